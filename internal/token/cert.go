package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Shown is the token that a request shows: X-Auth-Token, or that of OAuth2's
// "Authorization: Bearer". "" is none.
func Shown(r *http.Request) string {
	if t := r.Header.Get("X-Auth-Token"); t != "" {
		return t
	}
	kind, t, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "Bearer") {
		return strings.TrimSpace(t)
	}
	return ""
}

// Certificate is the client's certificate if the server has checked it against the
// authorities that it trusts; nil is none. It comes from the connection alone.
func Certificate(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

// Thumbprint is a certificate's x5t#S256 as keystone and its middleware make it: of
// the PEM text, not of the DER bytes as RFC 8705 has it.
func Thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	return base64.URLEncoding.EncodeToString(sum[:])
}

// BoundTo tells whether the token may be shown by this request: one that is bound
// to a certificate only over a connection with that certificate.
func (w *Who) BoundTo(r *http.Request) bool {
	if w.Thumbprint == "" {
		return true
	}
	c := Certificate(r)
	return c != nil && subtle.ConstantTimeCompare([]byte(Thumbprint(c)), []byte(w.Thumbprint)) == 1
}

// Proxied takes the client's certificate from a header (PEM, also URL-escaped as
// nginx's $ssl_client_escaped_cert), if the request comes from one of the proxies
// that end TLS and check certificates themselves. From anybody else the header says
// nothing.
func Proxied(header string, proxies []netip.Prefix, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !from(r, proxies) {
			h.ServeHTTP(w, r)
			return
		}
		r2 := *r
		r2.TLS = &tls.ConnectionState{}
		if c := certificateIn(r.Header.Get(header)); c != nil {
			r2.TLS.PeerCertificates, r2.TLS.VerifiedChains = []*x509.Certificate{c}, [][]*x509.Certificate{{c}}
		}
		h.ServeHTTP(w, &r2)
	})
}

func from(r *http.Request, proxies []netip.Prefix) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}

func certificateIn(text string) *x509.Certificate {
	if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	b, _ := pem.Decode([]byte(text))
	if b == nil || b.Type != "CERTIFICATE" {
		return nil
	}
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		return nil
	}
	return c
}
