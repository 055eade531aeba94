package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
)

// An authority signs certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name pkix.Name) *authority {
	t.Helper()
	a := &authority{t: t}
	c := a.sign(&x509.Certificate{Subject: name, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.cert, a.key = c.Leaf, c.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// sign makes a certificate with a key of its own; the first is the authority's.
func (a *authority) sign(c *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := c, key
	if a.cert != nil {
		parent, by = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) client(name pkix.Name) tls.Certificate {
	return a.sign(&x509.Certificate{Subject: name, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func cn(s string) pkix.Name { return pkix.Name{CommonName: s} }

// extra is a name with attributes that pkix.Name has no member for.
func extra(n pkix.Name, oid asn1.ObjectIdentifier, v string) pkix.Name {
	n.ExtraNames = append(n.ExtraNames, pkix.AttributeTypeAndValue{Type: oid, Value: v})
	return n
}

// A tlsSite is a site behind a real TLS server that asks clients for certificates.
type tlsSite struct {
	*site
	srv *httptest.Server
}

func openTLS(s *site, ca *authority) *tlsSite {
	srv := httptest.NewUnstartedServer(s.h)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	srv.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool}
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	s.t.Cleanup(srv.Close)
	return &tlsSite{s, srv}
}

// as makes a request with a certificate; nil is none. An error is status 0.
func (s *tlsSite) as(cert *tls.Certificate, call, body string, headers ...string) (int, http.Header, map[string]any) {
	s.t.Helper()
	method, path, _ := strings.Cut(call, " ")
	r, err := http.NewRequest(method, s.srv.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.srv.Certificate())
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	if cert != nil {
		tr.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	defer tr.CloseIdleConnections()
	w, err := (&http.Client{Transport: tr}).Do(r)
	if err != nil {
		return 0, nil, nil
	}
	defer w.Body.Close()
	b, _ := io.ReadAll(w.Body)
	var out map[string]any
	json.Unmarshal(b, &out)
	return w.StatusCode, w.Header, out
}

func TestExternal(t *testing.T) {
	const bare, named = `{"auth":{"identity":{"methods":[]},"scope":"unscoped"}}`, `{"auth":{"identity":{"methods":["external"],"external":{}},"scope":"unscoped"}}`
	ca, other := newAuthority(t, cn("ca")), newAuthority(t, cn("ca"))
	for _, way := range []string{"", keystone.ExternalDefault, keystone.ExternalDomain} {
		s := openTLS(openWith(t, dbtest.SQLite(t), keystone.Options{External: way}), ca)
		s.Token("ann", "p", "member")
		s.Token("bob", "p", "member")
		d := s.must(201, s.Admin(), "POST /v3/domains", `{"domain":{"name":"corp"}}`)
		s.must(201, s.Admin(), "POST /v3/users", `{"user":{"name":"ann","domain_id":"`+d+`"}}`)
		ann := ca.client(pkix.Name{CommonName: "ann", Organization: []string{"corp"}})
		home := map[string]string{keystone.ExternalDefault: "default", keystone.ExternalDomain: d}[way]
		for _, body := range []string{bare, named} {
			code, _, out := s.as(&ann, "POST /v3/auth/tokens", body)
			if way == "" {
				if code != 401 {
					t.Error("it is on without being turned on:", code)
				}
				continue
			}
			u, _ := out["token"].(map[string]any)
			if code != 201 || methods(out, "token") != "external" || u["user"].(map[string]any)["domain"].(map[string]any)["id"] != home {
				t.Error(way, code, out)
			}
		}
		stranger, nobody, foreign := ca.client(pkix.Name{CommonName: "nosuch", Organization: []string{"corp"}}), ca.client(pkix.Name{Organization: []string{"corp"}}), other.client(pkix.Name{CommonName: "ann", Organization: []string{"corp"}})
		for what, code := range map[string]int{
			"no certificate":   s.first(s.as(nil, "POST /v3/auth/tokens", bare)),
			"a header":         s.first(s.as(nil, "POST /v3/auth/tokens", named, "Remote-User", "ann", "Ssl-Client-S-Dn-Cn", "ann", "Ssl-Client-Cert", "x")),
			"nobody's":         s.first(s.as(&stranger, "POST /v3/auth/tokens", named)),
			"one without name": s.first(s.as(&nobody, "POST /v3/auth/tokens", named)),
		} {
			if code != 401 {
				t.Errorf("%q, %s: %d", way, what, code)
			}
		}
		if code := s.first(s.as(&foreign, "POST /v3/auth/tokens", named)); code != 0 && code != 401 {
			t.Error("another authority's certificate:", code)
		}
		want := map[string]int{"": 201}[way]
		if want == 0 {
			want = 401
		}
		if code := s.first(s.as(&ann, "POST /v3/auth/tokens", byPassword(s.userID("bob")))); code != want {
			t.Errorf("%q: one person's certificate and another's password: %d", way, code)
		}
		s.must(200, s.Admin(), "PATCH /v3/domains/"+d, `{"domain":{"enabled":false}}`)
		s.must(200, s.Admin(), "PATCH /v3/users/"+s.userIn("ann", "default"), `{"user":{"enabled":false}}`)
		if code := s.first(s.as(&ann, "POST /v3/auth/tokens", named)); code != 401 {
			t.Error("a disabled user or domain:", way, code)
		}
	}
	if _, err := keystone.New(nil, nil, keystone.Options{External: "nosuch", BcryptCost: 4}); err == nil {
		t.Error("any way is taken")
	}
}

func (s *tlsSite) first(code int, _ http.Header, _ map[string]any) int { return code }

func (s *site) userIn(name, domain string) string {
	s.t.Helper()
	_, out := s.do(s.Admin(), "GET /v3/users?name="+name+"&domain_id="+domain, "")
	return idOf(out)
}
