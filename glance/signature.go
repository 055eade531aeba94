package glance

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	_ "crypto/md5"
	"crypto/rsa"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"hash"
	"slices"
	"time"

	"stackd/internal/fault"
)

// Properties of a signed image.
const (
	signBytes = "img_signature"
	signHash  = "img_signature_hash_method"
	signKind  = "img_signature_key_type"
	signCert  = "img_signature_certificate_uuid"
)

// A signature is checked while an image's bytes go by.
type signature struct {
	hash  hash.Hash
	check func(sum []byte) bool
}

var signHashes = map[string]crypto.Hash{"SHA-224": crypto.SHA224, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512}

// signature is that of an image; nil when it is not signed in full, which the image
// API takes for not signed.
func (g *Imaging) signature(ctx context.Context, i *Image) (*signature, error) {
	for _, name := range []string{signBytes, signHash, signKind, signCert} {
		if i.Properties[name] == "" {
			return nil, nil
		}
	}
	sum, ok := signHashes[i.Properties[signHash]]
	if !ok {
		return nil, badSignature(i.ID, "Invalid signature hash method: "+i.Properties[signHash])
	}
	sig, err := base64.StdEncoding.DecodeString(i.Properties[signBytes])
	if err != nil {
		return nil, badSignature(i.ID, "The signature data was not properly encoded using base64")
	}
	cert, err := g.certs.Certificate(ctx, i.Properties[signCert])
	if err != nil {
		return nil, badSignature(i.ID, "Unable to retrieve certificate with ID: "+i.Properties[signCert]).Because(err)
	}
	if now := g.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return nil, badSignature(i.ID, "Certificate is not valid now: "+cert.NotAfter.Format(time.RFC3339))
	}
	check := checkOf(cert, i.Properties[signKind], sum, sig)
	if check == nil {
		return nil, badSignature(i.ID, "Invalid signature key type: "+i.Properties[signKind])
	}
	return &signature{sum.New(), func(d []byte) bool { return check(d) }}, nil
}

// checkOf is the check of a kind of key; nil where the certificate has no such key.
func checkOf(cert *x509.Certificate, kind string, sum crypto.Hash, sig []byte) func([]byte) bool {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if kind == "RSA-PSS" {
			return func(d []byte) bool { return rsa.VerifyPSS(key, sum, d, sig, nil) == nil }
		}
	case *ecdsa.PublicKey:
		curves := map[string][]string{"ECC_SECP384R1": {"P-384"}, "ECC_SECP521R1": {"P-521"}}
		if slices.Contains(curves[kind], key.Params().Name) {
			return func(d []byte) bool { return ecdsa.VerifyASN1(key, d, sig) }
		}
	}
	return nil
}

func badSignature(id, why string) *fault.Error {
	return fault.New(fault.Invalid, "Signature verification failed for image %s: %s", id, why)
}

// verify is nil where there is no signature, or where it is that of what went by.
func (s *signature) verify() error {
	if s == nil || s.check(s.hash.Sum(nil)) {
		return nil
	}
	return fault.New(fault.Invalid, "Signature verification failed: the signature is not that of the image's data")
}

// noCertificates are those of a cloud that keeps none.
type noCertificates struct{}

func (noCertificates) Certificate(context.Context, string) (*x509.Certificate, error) {
	return nil, fault.New(fault.NotFound, "This cloud keeps no certificates.")
}
