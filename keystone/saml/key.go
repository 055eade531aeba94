package saml

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"time"
)

// A Key signs what this cloud says, and opens what is said to it alone.
type Key struct {
	private *rsa.PrivateKey
	cert    *x509.Certificate
}

// NewKey makes a key and its self-signed certificate, both DER. The certificate is
// only a way to hand the public key on: peers compare it, nobody checks its dates.
func NewKey(name string) (private, certificate []byte, err error) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment}
	if certificate, err = x509.CreateCertificate(rand.Reader, c, c, k.Public(), k); err != nil {
		return nil, nil, err
	}
	private, err = x509.MarshalPKCS8PrivateKey(k)
	return private, certificate, err
}

// ReadKey reads what NewKey made.
func ReadKey(private, certificate []byte) (*Key, error) {
	p, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	k, ok := p.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is none of RSA")
	}
	c, err := x509.ParseCertificate(certificate)
	return &Key{k, c}, err
}
