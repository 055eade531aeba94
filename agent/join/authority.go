package join

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// How long certificates are good. A node renews when a third of its time is left.
const (
	rootLife  = 20 * 365 * 24 * time.Hour
	nodeLife  = 30 * 24 * time.Hour
	planeLife = 365 * 24 * time.Hour
	// skew is how far behind a host's clock may be.
	skew = 10 * time.Minute
)

// PlaneName is the name in a control plane's certificate.
const PlaneName = "plane.stackd"

// NodeName is the name in a node's certificate.
func NodeName(host string) string { return host + ".node.stackd" }

// An Authority issues the certificates of one cloud.
type Authority struct {
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(name string, now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-skew), NotAfter: now.Add(rootLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	return &Authority{c, key}, err
}

// serial is a number that no other certificate has.
func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

// issue signs a public key for a name, with the authority's certificate behind it.
func (a *Authority) issue(public any, subject, name string, now time.Time, life time.Duration) ([]byte, *x509.Certificate, error) {
	t := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: subject}, DNSNames: []string{name}, NotBefore: now.Add(-skew), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, t, a.Certificate, public, a.key)
	if err != nil {
		return nil, nil, err
	}
	c, err := x509.ParseCertificate(der)
	return append(certPEM(der), certPEM(a.Certificate.Raw)...), c, err
}

// Plane is a certificate, with its key, for a control plane. They are PEM.
func (a *Authority) Plane(now time.Time) (cert, key []byte, err error) {
	return a.As(PlaneName, now)
}

// As is a certificate, with its key, for who speaks in the name of another: the subject
// is who, and it is a control plane's all the same.
func (a *Authority) As(subject string, now time.Time) (cert, key []byte, err error) {
	return a.pair(subject, PlaneName, now)
}

// Node is a certificate, with its key, for a control plane's own machine as a node of its
// cloud: what other nodes know it by. It has not joined, and no control plane hears it.
func (a *Authority) Node(host string, now time.Time) (cert, key []byte, err error) {
	return a.pair(host, NodeName(host), now)
}

func (a *Authority) pair(subject, name string, now time.Time) (cert, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if cert, _, err = a.issue(&k.PublicKey, subject, name, now, planeLife); err != nil {
		return nil, nil, err
	}
	key, err = keyPEM(k)
	return cert, key, err
}

// Pool is the authority as the only one to trust.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.Certificate)
	return p
}

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte { return certPEM(a.Certificate.Raw) }

// Fingerprint is the SHA-256 of the authority's certificate, in hex.
func (a *Authority) Fingerprint() string { return fingerprint(a.Certificate.Raw) }

func fingerprint(der []byte) string { s := sha256.Sum256(der); return hex.EncodeToString(s[:]) }

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(k *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// readAuthority reads what Root keeps, once it is unsealed.
func readAuthority(cert, key []byte) (*Authority, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("an authority: %w", err)
	}
	k, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("an authority: its key is of another kind")
	}
	return &Authority{pair.Leaf, k}, nil
}
