package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// A Service is this cloud as an identity provider sees it.
type Service struct {
	Key    *Key
	Entity string // its name, where its metadata is
	ACS    string // where responses are brought
}

func (s Service) with(idp *saml.EntityDescriptor) (*saml.ServiceProvider, error) {
	at, err := url.Parse(s.ACS)
	if err != nil {
		return nil, err
	}
	sp := &saml.ServiceProvider{EntityID: s.Entity, Key: s.Key.private, Certificate: s.Key.cert, AcsURL: *at, IDPMetadata: idp,
		SignatureMethod: dsig.RSASHA256SignatureMethod, AuthnNameIDFormat: saml.UnspecifiedNameIDFormat}
	sp.ValidateAudienceRestriction = s.forUs
	return sp, nil
}

// forUs: an assertion must name for whom it was made, by name or by address.
func (s Service) forUs(a *saml.Assertion) error {
	for _, r := range a.Conditions.AudienceRestrictions {
		if r.Audience.Value != s.Entity && r.Audience.Value != s.ACS {
			return fmt.Errorf("it was made for %q", r.Audience.Value)
		}
	}
	if len(a.Conditions.AudienceRestrictions) == 0 {
		return errors.New("it does not tell for whom it was made")
	}
	return nil
}

// Metadata is what this cloud publishes of itself to identity providers.
func (s Service) Metadata() ([]byte, error) {
	sp, err := s.with(nil)
	if err != nil {
		return nil, err
	}
	d := sp.Metadata()
	d.SPSSODescriptors[0].AssertionConsumerServices = d.SPSSODescriptors[0].AssertionConsumerServices[:1]
	return xml.Marshal(d)
}

// Start is where to send a browser, and the id of what is asked.
func (p *Provider) Start(s Service, relay string) (where, id string, err error) {
	idp, err := p.metadata()
	if err != nil {
		return "", "", err
	}
	sp, err := s.with(idp)
	if err != nil {
		return "", "", err
	}
	to := sp.GetSSOBindingLocation(saml.HTTPRedirectBinding)
	if to == "" {
		return "", "", errors.New("the identity provider takes no redirected requests")
	}
	r, err := sp.MakeAuthenticationRequest(to, saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		return "", "", err
	}
	u, err := r.Redirect(relay, sp)
	if err != nil {
		return "", "", err
	}
	return u.String(), r.ID, nil
}

// Said is what an identity provider says of someone.
type Said struct {
	ID         string // of the assertion
	Until      time.Time
	Attributes map[string][]string
}

// Finish judges a response to what was asked under the id; "" is a response that was
// not asked for.
func (p *Provider) Finish(s Service, response []byte, id string) (said *Said, err error) {
	defer func() { // the library takes parts for granted that an odd assertion lacks
		if r := recover(); r != nil {
			said, err = nil, fmt.Errorf("the response lacks something: %v", r)
		}
	}()
	idp, err := p.metadata()
	if err != nil {
		return nil, err
	}
	sp, err := s.with(idp)
	if err != nil {
		return nil, err
	}
	if id == "" && !p.set.Unsolicited {
		return nil, errors.New("nobody asked for the response")
	}
	if err := plain(response); err != nil {
		return nil, err
	}
	a, err := sp.ParseXMLResponse(response, []string{id}, sp.AcsURL)
	if bad := (*saml.InvalidResponseError)(nil); errors.As(err, &bad) {
		return nil, fmt.Errorf("the response is no good: %w", bad.PrivateErr)
	}
	if err != nil {
		return nil, err
	}
	return read(a)
}

// plain: a response has one assertion, at its place; whatever else is built around
// one to be mistaken for it is refused as a whole.
func plain(response []byte) error {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(response); err != nil || doc.Root() == nil {
		return errors.New("the response is no XML")
	}
	n, ids := 0, map[string]bool{}
	for _, e := range append(doc.Root().FindElements("//*"), doc.Root()) {
		if e.Tag == "Assertion" || e.Tag == "EncryptedAssertion" {
			if n++; e.Parent() != doc.Root() {
				return errors.New("the response has an assertion at a place of no assertion")
			}
		}
		if id := e.SelectAttrValue("ID", ""); id != "" && ids[id] && e != doc.Root() {
			return errors.New("the response has an id twice")
		} else if id != "" {
			ids[id] = true
		}
	}
	if n != 1 || doc.Root().Tag != "Response" {
		return fmt.Errorf("the response has %d assertions", n)
	}
	return nil
}

func read(a *saml.Assertion) (*Said, error) {
	bearer := slices.ContainsFunc(a.Subject.SubjectConfirmations, func(c saml.SubjectConfirmation) bool {
		return c.Method == "urn:oasis:names:tc:SAML:2.0:cm:bearer" && !c.SubjectConfirmationData.NotOnOrAfter.IsZero()
	})
	if !bearer || a.ID == "" || a.Conditions.NotOnOrAfter.IsZero() {
		return nil, errors.New("the assertion is not for its bearer, or without an end")
	}
	said := &Said{ID: a.ID, Until: a.Conditions.NotOnOrAfter.Add(2 * saml.MaxClockSkew), Attributes: map[string][]string{}}
	for _, st := range a.AttributeStatements {
		for _, at := range st.Attributes {
			said.add(at)
		}
	}
	for name, value := range map[string]string{"MELLON_IDP": a.Issuer.Value, "Shib-Identity-Provider": a.Issuer.Value} {
		said.Attributes[name] = []string{value}
	}
	for _, name := range []string{"NAME_ID", "MELLON_NAME_ID", "REMOTE_USER"} {
		delete(said.Attributes, name)
		if n := a.Subject.NameID; n != nil && n.Value != "" {
			said.Attributes[name] = []string{n.Value}
		}
	}
	return said, nil
}

func (s *Said) add(at saml.Attribute) {
	var values []string
	for _, v := range at.Values {
		values = append(values, string(bytes.TrimSpace([]byte(v.Value))))
	}
	names := []string{at.Name}
	if at.FriendlyName != "" && at.FriendlyName != at.Name {
		names = append(names, at.FriendlyName)
	}
	for _, n := range names {
		for _, as := range []string{n, "MELLON_" + n} {
			s.Attributes[as] = append(s.Attributes[as], values...)
		}
	}
}
