package saml

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// An Issuer is this cloud saying who its users are.
type Issuer struct {
	Key    *Key
	Entity string
	SSO    string // shown in the metadata
}

// life is how long what is said may be used.
const life = 10 * time.Minute

// An Attribute is something said of a user.
type Attribute struct {
	Name   string
	Values []string
}

// Metadata is what another cloud needs to believe this one.
func (i Issuer) Metadata() ([]byte, error) {
	cert := saml.X509Data{X509Certificates: []saml.X509Certificate{{Data: base64.StdEncoding.EncodeToString(i.Key.cert.Raw)}}}
	return xml.Marshal(&saml.EntityDescriptor{EntityID: i.Entity, IDPSSODescriptors: []saml.IDPSSODescriptor{{
		SSODescriptor: saml.SSODescriptor{RoleDescriptor: saml.RoleDescriptor{ProtocolSupportEnumeration: samlp,
			KeyDescriptors: []saml.KeyDescriptor{{Use: "signing", KeyInfo: saml.KeyInfo{X509Data: cert}}}}},
		SingleSignOnServices: []saml.Endpoint{{Binding: saml.HTTPRedirectBinding, Location: i.SSO}}}}})
}

// Assert is a signed response that says these things of a user to whoever is at the
// recipient's address. It answers nothing that was asked.
func (i Issuer) Assert(user, recipient string, attributes []Attribute) ([]byte, error) {
	now := time.Now().UTC()
	a := &saml.Assertion{ID: "id-" + rand.Text(), IssueInstant: now, Version: "2.0", Issuer: i.issuer(),
		Subject: &saml.Subject{NameID: &saml.NameID{Value: user}, SubjectConfirmations: []saml.SubjectConfirmation{{Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer",
			SubjectConfirmationData: &saml.SubjectConfirmationData{NotOnOrAfter: now.Add(life), Recipient: recipient}}}},
		Conditions: &saml.Conditions{NotBefore: now.Add(-time.Minute), NotOnOrAfter: now.Add(life),
			AudienceRestrictions: []saml.AudienceRestriction{{Audience: saml.Audience{Value: recipient}}}},
		AuthnStatements: []saml.AuthnStatement{{AuthnInstant: now, SessionIndex: rand.Text(),
			AuthnContext: saml.AuthnContext{AuthnContextClassRef: &saml.AuthnContextClassRef{Value: "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"}}}}}
	st := saml.AttributeStatement{}
	for _, at := range attributes {
		x := saml.Attribute{Name: at.Name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}
		for _, v := range at.Values {
			x.Values = append(x.Values, saml.AttributeValue{Type: "xs:string", Value: v})
		}
		st.Attributes = append(st.Attributes, x)
	}
	a.AttributeStatements = []saml.AttributeStatement{st}
	if err := i.sign(a); err != nil {
		return nil, err
	}
	from := i.issuer()
	r := &saml.Response{ID: "id-" + rand.Text(), IssueInstant: now, Version: "2.0", Destination: recipient, Issuer: &from,
		Status: saml.Status{StatusCode: saml.StatusCode{Value: saml.StatusSuccess}}}
	doc := etree.NewDocument()
	doc.SetRoot(r.Element())
	doc.Root().AddChild(a.Element())
	return doc.WriteToBytes()
}

func (i Issuer) issuer() saml.Issuer {
	return saml.Issuer{Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:entity", Value: i.Entity}
}

func (i Issuer) sign(a *saml.Assertion) error {
	ctx, err := dsig.NewSigningContext(i.Key.private, [][]byte{i.Key.cert.Raw})
	if err != nil {
		return err
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(dsig.RSASHA256SignatureMethod); err != nil {
		return err
	}
	signed, err := ctx.SignEnveloped(a.Element())
	if err != nil {
		return err
	}
	a.Signature = signed.ChildElements()[len(signed.ChildElements())-1]
	return nil
}
