package keystone

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"

	"stackd/internal/fault"
	"stackd/internal/token"
	"stackd/keystone/mapping"
)

// x509Protocol is the protocol whose mapping tells whose a certificate is.
const x509Protocol = "x509"

// ByCertificate is who calls with a certificate and no token, for the scope that is
// wished for; nil when no such callers are let in. The certificate was checked.
func (i *Identity) ByCertificate(ctx context.Context, c *x509.Certificate, wish func() (ScopeWish, error)) (*token.Who, error) {
	if c == nil || !slices.Contains(i.opts.TrustedIssuers, c.Issuer.String()) {
		return nil, nil
	}
	w, err := wish()
	if err != nil {
		return nil, err
	}
	who, err := i.proveByCertificate(ctx, c)
	if err != nil {
		return nil, silently(err)
	}
	if err := i.enough(ctx, who, ""); err != nil {
		return nil, silently(err)
	}
	cl, err := i.claim(ctx, who, w)
	if err != nil {
		return nil, err
	}
	s, err := i.settle(ctx, who, cl, w)
	if err != nil {
		return nil, err
	}
	return s.Who, nil
}

// silently tells nothing but no, unless it is nobody's fault.
func silently(err error) error {
	if f := fault.Of(err); f != nil && f.Kind != fault.Unavailable && f.Kind != fault.Internal {
		return Unauthorized(err.Error())
	}
	return err
}

func (i *Identity) proveByCertificate(ctx context.Context, c *x509.Certificate) (*proven, error) {
	p, err := i.enabledIdP(ctx, hash(c.Issuer.String()))
	if err != nil {
		return nil, err
	}
	via, err := i.Protocol(ctx, p.ID, x509Protocol)
	if err != nil {
		return nil, err
	}
	m, err := i.Mapping(ctx, via.MappingID)
	if err != nil {
		return nil, err
	}
	rules, err := mapping.Parse(m.SchemaVersion, m.Rules)
	if err != nil {
		return nil, err
	}
	says, err := rules.Apply(x509Assertion(c))
	if err != nil {
		return nil, err
	}
	if says.User.Type == mapping.Local {
		return i.proveLocal(ctx, x509Protocol, says.User)
	}
	says.User.ID, says.User.Name = orElse(says.User.ID, says.User.Name), orElse(says.User.Name, says.User.ID)
	if says.User.ID == "" {
		return nil, Unauthorized("the mapping gives neither id nor name of a user")
	}
	var who *proven
	err = i.db.Tx(ctx, func(ctx context.Context) error {
		who, err = i.welcome(ctx, p, x509Protocol, says, m.SchemaVersion)
		return err
	})
	return who, err
}

// x509Assertion is what a certificate says under the names that web servers have for
// it: SSL_CLIENT_S_DN_CN and its like.
func x509Assertion(c *x509.Certificate) mapping.Assertion {
	a := mapping.Assertion{"SSL_CLIENT_S_DN": {c.Subject.String()}, "SSL_CLIENT_I_DN": {c.Issuer.String()}, "SSL_CLIENT_M_SERIAL": {c.SerialNumber.Text(16)}}
	for of, name := range map[string]pkix.Name{"S": c.Subject, "I": c.Issuer} {
		for _, p := range name.Names {
			if v, ok := p.Value.(string); ok {
				at := "SSL_CLIENT_" + of + "_DN_" + apacheName(p.Type.String())
				a[at] = append(a[at], v)
			}
		}
	}
	return a
}

func apacheName(oid string) string {
	switch oid {
	case "1.2.840.113549.1.9.1":
		return "Email"
	case "0.9.2342.19200300.100.1.1":
		return "UID"
	}
	return orElse(dnNames[oid], oid)
}
