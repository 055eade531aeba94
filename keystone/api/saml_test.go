package api_test

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	samlroom "stackd/keystone/saml"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// An idp is crewjam's identity provider on loopback, at which everyone is jo.
type idp struct {
	saml.IdentityProvider
	t testing.TB
}

func (p *idp) GetSession(http.ResponseWriter, *http.Request, *saml.IdpAuthnRequest) *saml.Session {
	return &saml.Session{ID: "1", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour), Index: "1", NameID: "jo", UserName: "jo", UserEmail: "jo@acme.example", Groups: []string{"devs", "x;ops"}}
}

func (p *idp) GetServiceProvider(_ *http.Request, id string) (*saml.EntityDescriptor, error) {
	got, err := http.Get(id) // a service is named by where its metadata is
	if err != nil || got.StatusCode != 200 {
		return nil, os.ErrNotExist
	}
	defer got.Body.Close()
	d := &saml.EntityDescriptor{}
	return d, xml.NewDecoder(got.Body).Decode(d)
}

func startIdP(t testing.TB) *idp {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{t: t}
	p.Key, p.Certificate, p.SignatureMethod, p.SessionProvider, p.ServiceProviderProvider = key, cert, dsig.RSASHA256SignatureMethod, p, p
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.Handler().ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	at := func(path string) url.URL { u, _ := url.Parse(s.URL + path); return *u }
	p.MetadataURL, p.SSOURL = at("/metadata"), at("/sso")
	return p
}

// believing is a cloud that believes a SAML provider.
func believing(t *testing.T, db *sqldb.DB, p *idp, dash string, set samlroom.Settings) *cloudAt {
	t.Helper()
	c := listen(t, db, func(at string) keystone.Options {
		return keystone.Options{Federation: keystone.FederationOptions{PublicURL: at, TrustedDashboards: []string{dash}, RemoteIDAttribute: "MELLON_IDP",
			IdentityProviders: map[string]keystone.ProviderOptions{"acme": {SAML: &set}}}}
	})
	admin := c.Admin()
	c.must(201, admin, "PUT "+fed+"identity_providers/acme", `{"identity_provider":{"enabled":true,"remote_ids":["`+p.MetadataURL.String()+`"]}}`)
	c.must(201, admin, "PUT "+fed+"mappings/m", `{"mapping":{"rules":[{"local":[{"user":{"id":"{0}","name":"{1}"}}],"remote":[{"type":"MELLON_NAME_ID"},{"type":"MELLON_mail"}]},
		{"local":[{"groups":"{0}","domain":{"id":"default"}}],"remote":[{"type":"eduPersonAffiliation"}]}]}}`)
	c.must(201, admin, "PUT "+fed+"identity_providers/acme/protocols/saml2", `{"protocol":{"mapping_id":"m"}}`)
	return c
}

const browserPath = "/v3/auth/OS-FEDERATION/identity_providers/acme/protocols/saml2/"

func TestABrowserSignsInBySAML(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := startIdP(t)
		dash, token := dashboard(t)
		c := believing(t, db, p, dash, samlroom.Settings{URL: p.MetadataURL.String()})
		g := c.must(201, c.Admin(), "POST /v3/groups", `{"group":{"name":"devs"}}`)
		c.must(201, c.Admin(), "POST /v3/groups", `{"group":{"name":"ops"}}`)
		for _, path := range []string{browserPath + "websso", "/v3/auth/OS-FEDERATION/websso/saml2"} {
			*token = ""
			b := newBrowser(t)
			r, page := b.visit(c.url + path + "?origin=" + url.QueryEscape(dash))
			if r.StatusCode != 200 {
				t.Fatal(r.Status, page)
			}
			r, page = b.submit(page) // what the identity provider shows
			if r.StatusCode != 200 {
				t.Fatal(r.Status, page)
			}
			b.submit(page) // what this cloud shows
			_, out := c.do(c.Admin(), "GET /v3/auth/tokens", "", "X-Subject-Token", *token)
			u := at(out, "token", "user")
			if at(u, "name") != "jo@acme.example" || fmt.Sprint(at(u, "OS-FEDERATION", "groups")) != "[map[id:"+g+"]]" || at(u, "OS-FEDERATION", "protocol", "id") != "saml2" {
				t.Fatal(out)
			}
		}
	})
}

// A case is a browser that is about to bring a response.
type samlCase struct {
	c     *cloudAt
	b     *browser
	p     *idp
	asked saml.AuthnRequest
	relay string
}

func (c *cloudAt) begin(t *testing.T, p *idp, dash string) *samlCase {
	t.Helper()
	k := &samlCase{c: c, b: newBrowser(t), p: p}
	k.b.stop("/sso")
	r, page := k.b.visit(c.url + browserPath + "websso?origin=" + url.QueryEscape(dash))
	u, err := url.Parse(r.Header.Get("Location"))
	if err != nil || r.StatusCode != 302 {
		t.Fatal(r.Status, page, err)
	}
	k.relay = u.Query().Get("RelayState")
	raw, err := base64.StdEncoding.DecodeString(u.Query().Get("SAMLRequest"))
	if err == nil {
		err = xml.NewDecoder(flate.NewReader(bytes.NewReader(raw))).Decode(&k.asked)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// response is the provider's, its assertion changed before it is signed.
func (k *samlCase) response(change func(*saml.Assertion), sign bool) *etree.Element {
	k.p.t.Helper()
	r := &saml.IdpAuthnRequest{IDP: &k.p.IdentityProvider, HTTPRequest: httptest.NewRequest("GET", "/", nil), Now: time.Now(), Request: k.asked,
		ServiceProviderMetadata: &saml.EntityDescriptor{EntityID: k.asked.Issuer.Value}, SPSSODescriptor: &saml.SPSSODescriptor{},
		ACSEndpoint: &saml.IndexedEndpoint{Binding: saml.HTTPPostBinding, Location: k.asked.AssertionConsumerServiceURL}}
	if err := (saml.DefaultAssertionMaker{}).MakeAssertion(r, k.p.GetSession(nil, nil, nil)); err != nil {
		k.p.t.Fatal(err)
	}
	if change != nil {
		change(r.Assertion)
	}
	if err := r.MakeResponse(); err != nil {
		k.p.t.Fatal(err)
	}
	el := r.ResponseEl
	if sign {
		el.RemoveChild(el.SelectElement("Signature")) // that of the assertion is enough
	} else {
		for _, s := range el.FindElements("//Signature") {
			s.Parent().RemoveChild(s)
		}
	}
	return el
}

func (k *samlCase) bring(el *etree.Element) (int, string) {
	doc := etree.NewDocument()
	doc.SetRoot(el.Copy())
	text, err := doc.WriteToString()
	if err != nil {
		k.p.t.Fatal(err)
	}
	r, page := k.b.read(k.b.PostForm(k.asked.AssertionConsumerServiceURL, url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(text))}, "RelayState": {k.relay}}))
	return r.StatusCode, page
}

// forged is an assertion that says the bearer is somebody else.
func forged(signed *etree.Element, id string) *etree.Element {
	e := signed.Copy()
	e.RemoveChild(e.SelectElement("Signature"))
	if id != "" {
		e.CreateAttr("ID", id)
	}
	e.FindElement(".//NameID").SetText("root")
	return e
}

func TestOnlyTheProvidersOwnWordCounts(t *testing.T) {
	p, other := startIdP(t), startIdP(t)
	dash, _ := dashboard(t)
	db := dbtest.SQLite(t)
	c := believing(t, db, p, dash, samlroom.Settings{URL: p.MetadataURL.String()})

	good := c.begin(t, p, dash)
	word := good.response(nil, true)
	if status, page := good.bring(word); status != 200 {
		t.Fatal("a good response is refused: ", status, page)
	}
	if status, _ := good.bring(word); status != 401 {
		t.Error("a sign-in is finished twice:", status)
	}

	for name, change := range map[string]func(*saml.Assertion){
		"for somebody else": func(a *saml.Assertion) { a.Conditions.AudienceRestrictions[0].Audience.Value = "https://shop.example" },
		"for nobody":        func(a *saml.Assertion) { a.Conditions.AudienceRestrictions = nil },
		"sent to somebody else": func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.Recipient = "https://shop.example/acs"
		},
		"answers something else": func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.InResponseTo = "id-x"
		},
		"not for its bearer": func(a *saml.Assertion) { a.Subject.SubjectConfirmations = nil },
		"without conditions": func(a *saml.Assertion) { a.Conditions = nil },
		"without a subject":  func(a *saml.Assertion) { a.Subject = nil },
		"without an end":     func(a *saml.Assertion) { a.Conditions.NotOnOrAfter = time.Time{} },
		"by somebody else":   func(a *saml.Assertion) { a.Issuer.Value = "https://evil.example" },
		"old": func(a *saml.Assertion) {
			a.IssueInstant = time.Now().Add(-time.Hour)
		},
		"expired": func(a *saml.Assertion) {
			a.Conditions.NotOnOrAfter = time.Now().Add(-time.Hour)
		},
		"confirmed until an hour ago": func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.NotOnOrAfter = time.Now().Add(-time.Hour)
		},
		"not yet good": func(a *saml.Assertion) { a.Conditions.NotBefore = time.Now().Add(time.Hour) },
	} {
		k := c.begin(t, p, dash)
		if status, page := k.bring(k.response(change, true)); status != 401 {
			t.Errorf("%s: %d %s", name, status, page)
		}
	}

	k := c.begin(t, p, dash)
	if status, _ := k.bring(k.response(nil, false)); status != 401 {
		t.Error("unsigned:", status)
	}
	k = c.begin(t, p, dash)
	k.p = other
	if status, _ := k.bring(k.response(nil, true)); status != 401 {
		t.Error("another provider's:", status)
	}
	k = c.begin(t, p, dash)
	other.MetadataURL = p.MetadataURL // another key under the provider's name
	k.p = other
	if status, _ := k.bring(k.response(nil, true)); status != 401 {
		t.Error("another's key:", status)
	}

	// What was signed, with something else around it or beside it (XSW).
	for name, build := range map[string]func(r, signed *etree.Element){
		"changed":                       func(r, signed *etree.Element) { signed.FindElement(".//NameID").SetText("root") },
		"a forged one before":           func(r, signed *etree.Element) { r.InsertChildAt(0, forged(signed, "id-evil")) },
		"a forged one after":            func(r, signed *etree.Element) { r.AddChild(forged(signed, "id-evil")) },
		"a forged one with the same id": func(r, signed *etree.Element) { r.InsertChildAt(0, forged(signed, "")) },
		"within a forged one": func(r, signed *etree.Element) {
			evil := forged(signed, "id-evil")
			r.RemoveChild(signed)
			r.AddChild(evil)
			evil.AddChild(signed)
		},
		"within the signature of a forged one": func(r, signed *etree.Element) {
			evil, sig := forged(signed, "id-evil"), signed.SelectElement("Signature").Copy()
			r.RemoveChild(signed)
			r.AddChild(evil)
			evil.AddChild(sig)
			sig.CreateElement("ds:Object").AddChild(signed)
		},
		"in an extension": func(r, signed *etree.Element) {
			evil := forged(signed, "id-evil")
			r.RemoveChild(signed)
			x := etree.NewElement("samlp:Extensions")
			x.AddChild(signed)
			r.InsertChildAt(0, x)
			r.AddChild(evil)
		},
		"the response within another": func(r, signed *etree.Element) {
			inner := r.Copy()
			r.RemoveChild(signed)
			r.AddChild(forged(signed, "id-evil"))
			r.CreateElement("samlp:Extensions").AddChild(inner)
		},
	} {
		k := c.begin(t, p, dash)
		r := k.response(nil, true)
		build(r, r.SelectElement("Assertion"))
		if status, page := k.bring(r); status != 401 {
			t.Errorf("%s: %d %s", name, status, page)
		}
	}

	// The same assertion in another sign-in of the same browser's: its request is another.
	k = c.begin(t, p, dash)
	r := k.response(nil, true)
	k2 := c.begin(t, p, dash)
	if status, _ := k2.bring(r); status != 401 {
		t.Error("an answer to another question:", status)
	}
	// A browser that did not ask.
	k.b = newBrowser(t)
	if status, _ := k.bring(r); status != 401 {
		t.Error("another browser:", status)
	}
	// A provider whose remote id is registered no more.
	k = c.begin(t, p, dash)
	c.must(200, c.Admin(), "PATCH "+fed+"identity_providers/acme", `{"identity_provider":{"remote_ids":["https://other.example"]}}`)
	if status, _ := k.bring(k.response(nil, true)); status != 403 {
		t.Error("a foreign issuer:", status)
	}
	if _, out := c.do(c.Admin(), "GET /v3/users?unique_id=root", ""); fmt.Sprint(out["users"]) != "[]" {
		t.Error("somebody forged has become a user:", out)
	}
}

// A program carries the question to the provider, and the answer back (ECP), as
// keystoneauth's v3samlpassword does.
func TestAProgramSignsInBySAML(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := startIdP(t)
		file := filepath.Join(t.TempDir(), "idp.xml")
		b, err := xml.Marshal(p.Metadata())
		if err == nil {
			err = os.WriteFile(file, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		c := believing(t, db, p, "http://dash/", samlroom.Settings{File: file})
		auth := fed + "identity_providers/acme/protocols/saml2/auth"
		w, _ := c.do("", "GET "+auth, "", "Accept", "application/json,application/vnd.paos+xml")
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/vnd.paos+xml" {
			t.Fatal(w.Code, w.Body)
		}
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(w.Body.Bytes()); err != nil {
			t.Fatal(err)
		}
		text, err := func() (string, error) {
			d := etree.NewDocument()
			d.SetRoot(doc.FindElement("//AuthnRequest").Copy())
			return d.WriteToString()
		}()
		if err != nil {
			t.Fatal(err)
		}
		k := &samlCase{c: c, p: p}
		if err := xml.Unmarshal([]byte(text), &k.asked); err != nil {
			t.Fatal(err)
		}
		consumer := doc.FindElement("//Header/Request[@responseConsumerURL]").SelectAttrValue("responseConsumerURL", "")
		if consumer != c.url+auth || consumer != k.asked.AssertionConsumerServiceURL {
			t.Fatal(consumer)
		}
		relay := doc.FindElement("//RelayState").Copy()
		answer := func(state *etree.Element, change func(*saml.Assertion)) string {
			out := etree.NewDocument()
			e := out.CreateElement("S:Envelope")
			e.CreateAttr("xmlns:S", "http://schemas.xmlsoap.org/soap/envelope/")
			h := e.CreateElement("S:Header")
			if state != nil {
				h.AddChild(state.Copy())
			}
			e.CreateElement("S:Body").AddChild(k.response(change, true))
			s, err := out.WriteToString()
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		bring := func(message string) int {
			w, _ := c.do("", "POST "+auth, message, "Content-Type", "application/vnd.paos+xml")
			if w.Code == 201 && w.Header().Get("X-Subject-Token") == "" {
				t.Error("no token")
			}
			return w.Code
		}
		first := answer(relay, nil)
		for name, c := range map[string]struct {
			message string
			want    int
		}{
			"no message":      {"", 401},
			"no XML":          {"<a", 401},
			"no SOAP":         {"<a/>", 401},
			"not asked for":   {answer(nil, nil), 401},
			"for others":      {answer(relay, func(a *saml.Assertion) { a.Conditions.AudienceRestrictions[0].Audience.Value = "x" }), 401},
			"a fault instead": {`<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault/></S:Body></S:Envelope>`, 401},
		} {
			if got := bring(c.message); got != c.want {
				t.Errorf("%s: %d", name, got)
			}
		}
		if got := bring(first); got != 201 {
			t.Fatal(got)
		}
		if got := bring(first); got != 401 {
			t.Error("an assertion is used twice:", got)
		}
	})
}

// Two clouds, both ours: who is known at the one is let in at the other (K2K), the way
// keystoneauth's Keystone2Keystone goes.
func TestOneCloudVouchesToAnother(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		home := listen(t, db, func(at string) keystone.Options {
			return keystone.Options{Federation: keystone.FederationOptions{PublicURL: at}}
		})
		meta := home.url + "/v3/OS-FEDERATION/saml2/metadata"
		away := listen(t, dbtest.SQLite(t), func(at string) keystone.Options {
			return keystone.Options{Federation: keystone.FederationOptions{PublicURL: at, RemoteIDAttribute: "Shib-Identity-Provider",
				IdentityProviders: map[string]keystone.ProviderOptions{"home": {SAML: &samlroom.Settings{URL: meta, Unsolicited: true}}}}}
		})
		admin := away.Admin()
		away.must(201, admin, "PUT "+fed+"identity_providers/home", `{"identity_provider":{"enabled":true,"remote_ids":["`+meta+`"]}}`)
		away.must(201, admin, "PUT "+fed+"mappings/k2k", `{"mapping":{"rules":[{"local":[{"user":{"name":"{0} of {1}"}},{"groups":"{2}"}],
			"remote":[{"type":"openstack_user"},{"type":"openstack_user_domain"},{"type":"openstack_groups"},{"type":"openstack_roles","any_one_of":["member"]},{"type":"openstack_project","any_one_of":["shared"]},{"type":"openstack_project_domain","any_one_of":["Default"]}]}]}}`)
		away.must(201, admin, "PUT "+fed+"identity_providers/home/protocols/saml2", `{"protocol":{"mapping_id":"k2k"}}`)
		g := away.must(201, admin, "POST /v3/groups", `{"group":{"name":"guests"}}`)
		p := away.Project("guestroom")
		away.must(204, admin, "PUT /v3/projects/"+p+"/groups/"+g+"/roles/"+away.roleID("member"), "")

		there := away.url + fed + "identity_providers/home/protocols/saml2/auth"
		hadmin := home.Admin()
		home.must(201, hadmin, "PUT "+fed+"service_providers/away", `{"service_provider":{"enabled":true,"auth_url":"`+there+`","sp_url":"`+there+`"}}`)
		home.must(201, hadmin, "PUT "+fed+"service_providers/off", `{"service_provider":{"auth_url":"`+there+`","sp_url":"`+there+`"}}`)
		jo := home.Token("jo", "shared", "member")
		home.must(204, hadmin, "PUT /v3/groups/"+home.must(201, hadmin, "POST /v3/groups", `{"group":{"name":"guests"}}`)+"/users/"+home.userID("jo"), "")

		ask := func(token, provider, path string) (int, http.Header, []byte) {
			r, err := http.Post(home.url+"/v3/auth/OS-FEDERATION/saml2"+path, "application/json", strings.NewReader(`{"auth":{"identity":{"methods":["token"],"token":{"id":"`+token+`"}},"scope":{"service_provider":{"id":"`+provider+`"}}}}`))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			return r.StatusCode, r.Header, b
		}
		bring := func(message []byte) (*http.Response, string) {
			r, err := http.Post(there, "application/vnd.paos+xml", bytes.NewReader(message))
			return newBrowser(t).read(r, err)
		}

		status, h, message := ask(jo, "away", "/ecp")
		if status != 200 || h.Get("X-sp-url") != there || h.Get("X-auth-url") != there || h.Get("Content-Type") != "text/xml" {
			t.Fatal(status, h, string(message))
		}
		r, page := bring(message)
		if r.StatusCode != 201 {
			t.Fatal(r.Status, page)
		}
		token := r.Header.Get("X-Subject-Token")
		if !strings.Contains(page, `"jo of Default"`) || !strings.Contains(page, g) {
			t.Error(page)
		}
		if w, _ := away.do("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+token+`"}},"scope":{"project":{"id":"`+p+`"}}}}`); w.Code != 201 {
			t.Error(w.Code, w.Body)
		}
		if r, _ := bring(message); r.StatusCode != 401 {
			t.Error("an assertion is used twice:", r.Status)
		}
		if status, h, b := ask(jo, "away", ""); status != 200 || !bytes.Contains(b, []byte("openstack_project_domain")) || h.Get("Content-Type") != "text/xml" {
			t.Error(status, string(b))
		}

		// Who may not.
		w, app := home.do(jo, "POST /v3/users/"+home.userID("jo")+"/application_credentials", `{"application_credential":{"name":"a"}}`)
		if w.Code != 201 {
			t.Fatal(w.Body)
		}
		w, _ = home.do("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"`+at(app, "application_credential", "id").(string)+`","secret":"`+at(app, "application_credential", "secret").(string)+`"}}}}`)
		for name, c := range map[string]struct {
			token, provider string
			want            int
		}{
			"unscoped":            {home.Token("jo", ""), "away", 403},
			"delegated":           {w.Header().Get("X-Subject-Token"), "away", 403},
			"no token":            {"nonsense", "away", 404},
			"a disabled provider": {jo, "off", 403},
			"no provider":         {jo, "nosuch", 404},
		} {
			if got, _, b := ask(c.token, c.provider, "/ecp"); got != c.want {
				t.Errorf("%s: %d %s", name, got, b)
			}
		}
		if w, _ := home.do("", "POST /v3/auth/OS-FEDERATION/saml2", `{"auth":{"identity":{},"scope":{}}}`); w.Code != 400 {
			t.Error(w.Code)
		}
		// The role that the other cloud asks for is gone.
		if _, _, b := ask(home.Token("kim", "shared", "reader"), "away", "/ecp"); true {
			if r, page := bring(b); r.StatusCode != 401 {
				t.Error(r.Status, page)
			}
		}
	})
}

// The key is made once for all control planes, and cannot be read from the database.
func TestTheSAMLKeyIsOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		w, _ := s.do("", "GET /v3/OS-FEDERATION/saml2/metadata", "")
		if w.Code != 200 || !strings.Contains(w.Body.String(), "<IDPSSODescriptor") {
			t.Fatal(w.Code, w.Body)
		}
		again, _ := open(t, db).do("", "GET /v3/OS-FEDERATION/saml2/metadata", "")
		if again.Body.String() != w.Body.String() {
			t.Error("another control plane has another key")
		}
	})
}
