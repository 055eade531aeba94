package keystone

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/token"
	"stackd/keystone/mapping"
)

// OAuth2Mapping is the mapping that tells whose a client's certificate is.
const OAuth2Mapping = "oauth2_mapping"

// byCertificate is the method of tokens made for the bearer of a certificate.
const byCertificate = "oauth2_credential"

// SignInByCertificate makes a token for a user's default project that is bound to
// the certificate. The certificate is one that was checked already; the mapping must
// not say anything of it that is untrue of the user.
func (i *Identity) SignInByCertificate(ctx context.Context, user string, c *x509.Certificate) (*Session, string, error) {
	gen := i.gen.Load()
	u, err := i.userRow(ctx, user)
	if err != nil || u == nil || !u.Enabled || u.DefaultProjectID == "" {
		return nil, "", firstOf(err, Unauthorized("the user is gone, disabled, or has no default project"))
	}
	d, err := one[Project](ctx, i.store, Match{"id": u.DomainID})
	if err != nil || d == nil {
		return nil, "", firstOf(err, Unauthorized("the user's domain is gone"))
	}
	m, err := i.mappingOf(ctx, OAuth2Mapping)
	if err != nil {
		return nil, "", err
	}
	says, err := m.Apply(oauth2Assertion(c))
	if err != nil {
		return nil, "", Unauthorized("the mapping does not apply: " + err.Error())
	}
	if err := fits(says.User, u, d); err != nil {
		return nil, "", err
	}
	who := &proven{user: u, methods: []string{byCertificate}}
	w := ScopeWish{Project: &Named{ID: u.DefaultProjectID}}
	cl, err := i.claim(ctx, who, w)
	if err != nil {
		return nil, "", err
	}
	cl.Thumbprint = token.Thumbprint(c)
	return i.issue(ctx, gen, who, cl, w)
}

// mappingOf is a mapping ready to be applied; one that is not there proves nobody.
func (i *Identity) mappingOf(ctx context.Context, id string) (*mapping.Mapping, error) {
	m, err := i.Mapping(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil, Unauthorized(err.Error())
	}
	if err != nil {
		return nil, err
	}
	return mapping.Parse(m.SchemaVersion, m.Rules)
}

// fits: whatever the mapping says of the user must be so. It must say who it is.
func fits(says mapping.User, u *User, home *Project) error {
	email, _ := u.Extra["email"].(string)
	pairs := [][2]string{{says.Name, u.Name}, {says.ID, u.ID}, {says.Email, email}}
	if says.Domain != nil {
		pairs = append(pairs, [2]string{says.Domain.ID, home.ID}, [2]string{says.Domain.Name, home.Name})
	}
	if says.Name == "" && says.ID == "" && says.Email == "" {
		return Unauthorized("the mapping does not tell whose the certificate is")
	}
	if n := slices.IndexFunc(pairs, func(p [2]string) bool { return p[0] != "" && p[0] != p[1] }); n >= 0 {
		return Unauthorized("the certificate is of " + pairs[n][0] + ", not of " + pairs[n][1])
	}
	return nil
}

// oauth2Assertion is what a certificate says, under the names that the real service
// gives it. Of an attribute that is there more than once the last counts.
func oauth2Assertion(c *x509.Certificate) mapping.Assertion {
	a := mapping.Assertion{}
	for of, name := range map[string]pkix.Name{"SUBJECT": c.Subject, "ISSUER": c.Issuer} {
		for _, p := range name.Names {
			if v, ok := p.Value.(string); ok {
				a["SSL_CLIENT_"+of+"_DN_"+strings.ToUpper(nameOf(p.Type))] = []string{v}
			}
		}
	}
	return a
}

// dnNames are the short names of a distinguished name's attributes.
var dnNames = map[string]string{"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU",
	"0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID", "1.2.840.113549.1.9.1": "emailAddress"}

func nameOf(id asn1.ObjectIdentifier) string {
	if n := dnNames[id.String()]; n != "" {
		return n
	}
	return id.String()
}
