package saml

import (
	"bytes"
	"errors"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	xrv "github.com/mattermost/xml-roundtrip-validator"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// The names of the profile by which programs carry SAML (ECP).
const (
	PAOS    = "application/vnd.paos+xml"
	soap    = "http://schemas.xmlsoap.org/soap/envelope/"
	paos    = "urn:liberty:paos:2003-08"
	ecp     = "urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp"
	samlp   = "urn:oasis:names:tc:SAML:2.0:protocol"
	next    = "http://schemas.xmlsoap.org/soap/actor/next"
	mustYes = "1"
)

// envelope is an empty SOAP message.
func envelope() (doc *etree.Document, head, body *etree.Element) {
	doc = etree.NewDocument()
	e := doc.CreateElement("S:Envelope")
	e.CreateAttr("xmlns:S", soap)
	return doc, e.CreateElement("S:Header"), e.CreateElement("S:Body")
}

func header(head *etree.Element, name, space string, attrs ...string) *etree.Element {
	prefix, _, _ := bytes.Cut([]byte(name), []byte(":"))
	e := head.CreateElement(name)
	e.CreateAttr("xmlns:"+string(prefix), space)
	e.CreateAttr("S:mustUnderstand", mustYes)
	e.CreateAttr("S:actor", next)
	for n := 0; n+1 < len(attrs); n += 2 {
		e.CreateAttr(attrs[n], attrs[n+1])
	}
	return e
}

// Ask is what a program takes to the identity provider; relay is told the id of what
// is asked, and what it makes comes back with the response.
func (p *Provider) Ask(s Service, relay func(id string) (string, error)) ([]byte, error) {
	idp, err := p.metadata()
	if err != nil {
		return nil, err
	}
	sp, err := s.with(idp)
	if err != nil {
		return nil, err
	}
	r, err := sp.MakeAuthenticationRequest(sp.GetSSOBindingLocation(saml.SOAPBinding), saml.HTTPPostBinding, "urn:oasis:names:tc:SAML:2.0:bindings:PAOS")
	if err != nil {
		return nil, err
	}
	state, err := relay(r.ID)
	if err != nil {
		return nil, err
	}
	doc, head, body := envelope()
	header(head, "paos:Request", paos, "responseConsumerURL", s.ACS, "service", ecp)
	header(head, "ecp:Request", ecp, "IsPassive", "0").AddChild(r.Issuer.Element())
	header(head, "ecp:RelayState", ecp).SetText(state)
	body.AddChild(r.Element())
	return doc.WriteToBytes()
}

// Unwrap is the response in a SOAP message, and the relay state beside it.
func Unwrap(message []byte) (response []byte, relay string, err error) {
	if err := xrv.Validate(bytes.NewReader(message)); err != nil {
		return nil, "", err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(message); err != nil {
		return nil, "", err
	}
	root := doc.Root()
	if root == nil || root.Tag != "Envelope" || root.NamespaceURI() != soap {
		return nil, "", errors.New("it is no SOAP message")
	}
	if head := child(root, soap, "Header"); head != nil {
		if e := child(head, ecp, "RelayState"); e != nil {
			relay = e.Text()
		}
	}
	body := child(root, soap, "Body")
	if body == nil || child(body, samlp, "Response") == nil {
		return nil, "", errors.New("there is no response in the message")
	}
	ctx, err := etreeutils.NSBuildParentContext(child(body, samlp, "Response"))
	if err != nil {
		return nil, "", err
	}
	alone, err := etreeutils.NSDetatch(ctx, child(body, samlp, "Response"))
	if err != nil {
		return nil, "", err
	}
	out := etree.NewDocument()
	out.SetRoot(alone)
	response, err = out.WriteToBytes()
	return response, relay, err
}

// child is the only child of that name; nil for none or several.
func child(e *etree.Element, space, tag string) *etree.Element {
	var found *etree.Element
	for _, c := range e.ChildElements() {
		if c.Tag == tag && c.NamespaceURI() == space {
			if found != nil {
				return nil
			}
			found = c
		}
	}
	return found
}

// Wrap puts a response of this cloud's into a SOAP message for another's program.
func Wrap(response []byte, recipient, relay string) ([]byte, error) {
	in := etree.NewDocument()
	if err := in.ReadFromBytes(response); err != nil {
		return nil, err
	}
	doc, head, body := envelope()
	header(head, "ecp:Response", ecp, "AssertionConsumerServiceURL", recipient)
	header(head, "ecp:RelayState", ecp).SetText(relay)
	body.AddChild(in.Root())
	return doc.WriteToBytes()
}
