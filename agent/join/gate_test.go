package join_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"stackd/agent/join"
	"stackd/agent/join/store"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

func open(t *testing.T, db *sqldb.DB) *join.Gate {
	t.Helper()
	s, err := store.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	g, err := join.New(t.Context(), s, []byte("master"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func request(t *testing.T) []byte {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func leaf(t *testing.T, certs []byte) *x509.Certificate {
	t.Helper()
	b, _ := pem.Decode(certs)
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestJoin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		g, ctx := open(t, db), t.Context()
		pass, err := g.NewToken(ctx, "", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := join.ReadPass(pass.String()); err != nil || back != pass {
			t.Fatal(back, err)
		}
		cert, err := g.Join(ctx, pass, "c1", request(t))
		if err != nil {
			t.Fatal(err)
		}
		c := leaf(t, cert)
		if _, err := c.Verify(x509.VerifyOptions{Roots: g.Pool(), DNSName: join.NodeName("c1"), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
			t.Fatal(err)
		}
		if host, err := g.Who(ctx, c); err != nil || host != "c1" {
			t.Fatal(host, err)
		}
		if c.VerifyHostname(join.PlaneName) == nil || c.IsCA {
			t.Fatal("a node may pass for a control plane")
		}

		again := open(t, db) // another control plane: the same authority
		if again.Fingerprint() != g.Fingerprint() {
			t.Fatal("each control plane has an authority of its own")
		}
		if _, err := again.Join(ctx, pass, "c1", request(t)); fault.Of(err) == nil || fault.Of(err).Kind != fault.Conflict {
			t.Fatal("a general token takes a node's place:", err)
		}

		renewed, err := g.Renew(ctx, "c1", request(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Who(ctx, c); err != nil {
			t.Fatal("the old certificate must do until the new one has been shown:", err)
		}
		if _, err := g.Who(ctx, leaf(t, renewed)); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Who(ctx, c); err == nil {
			t.Fatal("the old certificate is still good")
		}
		if was, err := g.Forget(ctx, "c1"); err != nil || !was {
			t.Fatal(was, err)
		}
		if _, err := g.Who(ctx, leaf(t, renewed)); err == nil {
			t.Fatal("a node that was taken off is let in")
		}
	})
}

func TestTokensThatAreNotGood(t *testing.T) {
	db := dbtest.New(t)
	g, ctx := open(t, db), t.Context()
	other := open(t, dbtest.SQLite(t))
	mine, _ := g.NewToken(ctx, "c1", time.Hour)
	old, _ := g.NewToken(ctx, "", -time.Second)
	foreign, _ := other.NewToken(ctx, "", time.Hour)
	wrong := mine
	wrong.Secret = strings.Repeat("A", 26)
	for name, try := range map[string]struct {
		pass join.Pass
		host string
	}{
		"another host's": {mine, "c2"}, "an old one": {old, "c1"}, "another cloud's": {foreign, "c1"}, "a wrong secret": {wrong, "c1"},
		"a name that is none": {mine, "../c1"}, "an empty name": {mine, ""},
	} {
		if _, err := g.Join(ctx, try.pass, try.host, request(t)); err == nil {
			t.Errorf("%s lets a host in", name)
		}
	}
	if _, err := g.Join(ctx, mine, "c1", []byte("x")); fault.Of(err) == nil {
		t.Error("what is no request:", err)
	}
	for range 2 { // a host that lost its disk joins again with a token for its name
		if _, err := g.Join(ctx, mine, "c1", request(t)); err != nil {
			t.Error(err)
		}
	}
	if was, err := g.DropToken(ctx, mine.ID); err != nil || !was {
		t.Error(was, err)
	}
	if _, err := g.Join(ctx, mine, "c1", request(t)); err == nil {
		t.Error("a token that was dropped lets a host in")
	}
	for _, s := range []string{"", "x", mine.String() + "0", strings.ToUpper(mine.String())} {
		if _, err := join.ReadPass(s); err == nil {
			t.Errorf("%q is read as a token", s)
		}
	}
}

// The authority's key is not to be read from the database alone.
func TestTheKeyIsSealed(t *testing.T) {
	db := dbtest.New(t)
	open(t, db)
	s, err := store.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := join.New(t.Context(), s, []byte("another master")); err == nil {
		t.Fatal("another master key opens it")
	}
	r, err := s.Root(t.Context(), 1)
	if err != nil || strings.Contains(r.Key, "PRIVATE") {
		t.Fatal(r, err)
	}
	if _, err := tls.X509KeyPair([]byte(r.Certificate), []byte(r.Key)); err == nil {
		t.Fatal("the key lies open")
	}
}
