package wire

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"stackd/agent/join"
)

// An Identity is a node's key and certificates: files in Dir. Host is what they say.
type Identity struct{ Dir, Host string }

func (i Identity) file(name string) string { return filepath.Join(i.Dir, name) }

// Key, Certificate and Authority are the files' names.
func (i Identity) Key() string         { return i.file("key.pem") }
func (i Identity) Certificate() string { return i.file("certificate.pem") }
func (i Identity) Authority() string   { return i.file("authority.pem") }

// pair is the certificate as it is now; it changes when it is renewed.
func (i Identity) pair() (tls.Certificate, error) {
	return tls.LoadX509KeyPair(i.Certificate(), i.Key())
}

// There tells whether the host has joined: it holds a certificate for its name.
func (i Identity) There() bool {
	p, err := i.pair()
	return err == nil && p.Leaf.VerifyHostname(join.NodeName(i.Host)) == nil
}

// Join makes the host a node by a token, at the first of these control planes
// (host:port) that answers. The host checks that it speaks to the token's cloud.
func (i Identity) Join(ctx context.Context, planes []string, token string) error {
	p, err := join.ReadPass(token)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(i.Dir, 0o700); err != nil {
		return err
	}
	c := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: pinned(p.Fingerprint)}, Timeout: 30 * time.Second}
	defer c.CloseIdleConnections()
	var errs []error
	for _, at := range planes {
		err := i.ask(ctx, c, "https://"+at+"/v1/join", p.String())
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", at, err))
	}
	return errors.Join(errs...)
}

// pinned trusts no name and no known authority but a chain that ends with the one of
// this fingerprint.
func pinned(sum string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		roots := x509.NewCertPool()
		for _, c := range s.PeerCertificates {
			if h := sha256.Sum256(c.Raw); hex.EncodeToString(h[:]) == sum {
				roots.AddCert(c)
			}
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: join.PlaneName})
		if err != nil {
			return fmt.Errorf("this is not the cloud that the token is of: %w", err)
		}
		return nil
	}}
}

// ask sends a request for a certificate and keeps what comes.
func (i Identity) ask(ctx context.Context, c *http.Client, url, token string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return err
	}
	body, err := json.Marshal(joining{token, i.Host, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := said(c.Do(req))
	var out joined
	if err := into(&out, answer, err); err != nil {
		return err
	}
	return i.keep(key, out)
}

// keep writes the key with its certificate. Whoever reads between the two files finds
// a pair that does not fit, and reads again.
func (i Identity) keep(key *ecdsa.PrivateKey, got joined) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if _, err := tls.X509KeyPair([]byte(got.Certificate), keyPEM); err != nil {
		return fmt.Errorf("the certificate that came is not good: %w", err)
	}
	for _, f := range []struct{ name, text string }{{i.Authority(), got.Authority}, {i.Key(), string(keyPEM)}, {i.Certificate(), got.Certificate}} {
		if err := os.WriteFile(f.name+".new", []byte(f.text), 0o600); err != nil {
			return err
		}
	}
	return errors.Join(os.Rename(i.file("authority.pem.new"), i.Authority()), os.Rename(i.file("key.pem.new"), i.Key()), os.Rename(i.file("certificate.pem.new"), i.Certificate()))
}

// pool is the cloud's authority, the only one to trust.
func (i Identity) pool() (*x509.CertPool, error) {
	b, err := os.ReadFile(i.Authority())
	if err != nil {
		return nil, err
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s: this is no certificate", i.Authority())
	}
	return p, nil
}

// client is how a node calls control planes.
func (i Identity) client() (*tls.Config, error) {
	pool, err := i.pool()
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: join.PlaneName,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { p, err := i.pair(); return &p, err }}, err
}

// LiveTLS is for a node's own listener: control planes may call, and other nodes.
func (i Identity) LiveTLS() (*tls.Config, error) {
	pool, err := i.pool()
	return &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, NextProtos: []string{"h2"},
		GetCertificate:   func(*tls.ClientHelloInfo) (*tls.Certificate, error) { p, err := i.pair(); return &p, err },
		VerifyConnection: func(s tls.ConnectionState) error { _, err := whose(s); return err }}, err
}

// expires is when the certificate ends, and when it began.
func (i Identity) life() (from, to time.Time, err error) {
	p, err := i.pair()
	if err != nil {
		return from, to, err
	}
	return p.Leaf.NotBefore, p.Leaf.NotAfter, nil
}
