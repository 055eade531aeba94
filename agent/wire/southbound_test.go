package wire

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"
)

// A chassis comes through under its node's name, a stranger does not, and with a node's
// own certificate nobody gets to the database itself.
func TestSouthbound(t *testing.T) {
	w := newWorld(t)
	pair := func(cert, key []byte, err error) tls.Certificate {
		t.Helper()
		p, e := tls.X509KeyPair(cert, key)
		if err != nil || e != nil {
			t.Fatal(err, e)
		}
		return p
	}
	db, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair(w.gate.Databases.Plane(time.Now()))}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: w.gate.Databases.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	go func() { // says the name of who comes
		for {
			c, err := db.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if s := c.(*tls.Conn); s.Handshake() == nil {
					io.WriteString(c, s.ConnectionState().PeerCertificates[0].Subject.CommonName)
				}
			}()
		}
	}()
	s, err := NewSouthbound(w.gate, db.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go s.Serve(l)
	id := w.join("c1")
	node, err := id.pair()
	if err != nil {
		t.Fatal(err)
	}
	says := func(at string, show ...tls.Certificate) string {
		c, err := tls.Dial("tcp", at, &tls.Config{Certificates: show, InsecureSkipVerify: true})
		if err != nil {
			return ""
		}
		defer c.Close()
		b, _ := io.ReadAll(c)
		return string(b)
	}
	if got := says(l.Addr().String(), node); got != "c1" {
		t.Errorf("the database sees %q", got)
	}
	if got := says(db.Addr().String(), node); got != "" {
		t.Errorf("a node is at the database: %q", got)
	}
	if got := says(l.Addr().String()); got != "" {
		t.Errorf("a stranger is let through: %q", got)
	}
	if _, err := w.gate.Forget(t.Context(), "c1"); err != nil {
		t.Fatal(err)
	}
	if got := says(l.Addr().String(), node); got != "" {
		t.Errorf("a node that was taken off is let through: %q", got)
	}
}
