package keystone

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/fernet/fernet-go"
	"github.com/golang-jwt/jwt/v5"
)

// jwsClaims are a token's claims as a JSON web token has them: who and until when for
// anybody to read, and all of them for ourselves.
type jwsClaims struct {
	jwt.RegisteredClaims
	Claims *claims `json:"openstack"`
}

// newKey is a fresh key of a kind. That of a "jws" key is an ECDSA key on P-256, of
// which 32 bytes are the secret.
func newKey(kind string) (*fernet.Key, error) {
	var key fernet.Key
	if kind != "jws" {
		return &key, key.Generate()
	}
	p, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	b, err := p.Bytes()
	copy(key[:], b)
	return &key, err
}

// signers are the JWS keys, the signing one first.
func (i *Identity) signers(ctx context.Context) ([]*ecdsa.PrivateKey, error) {
	keys, err := i.secrets(ctx, "jws")
	if err != nil {
		return nil, err
	}
	out := make([]*ecdsa.PrivateKey, len(keys))
	for n, k := range keys {
		if p, ok := i.keys.parsed.Load(*k); ok {
			out[n] = p.(*ecdsa.PrivateKey)
			continue
		}
		if out[n], err = ecdsa.ParseRawPrivateKey(elliptic.P256(), k[:]); err != nil {
			return nil, fmt.Errorf("a JWS key in the database is damaged: %w", err)
		}
		i.keys.parsed.Store(*k, out[n])
	}
	return out, nil
}

func (i *Identity) sign(ctx context.Context, c *claims) (string, error) {
	keys, err := i.signers(ctx)
	if err != nil {
		return "", err
	}
	return jwt.NewWithClaims(jwt.SigningMethodES256, jwsClaims{jwt.RegisteredClaims{Subject: unpack(c.User)}, c}).SignedString(keys[0])
}

// verified is nil for what none of our keys has signed by ES256. When it ends is for
// Identity.current to say.
func (i *Identity) verified(ctx context.Context, t string) (*claims, error) {
	keys, err := i.signers(ctx)
	if err != nil {
		return nil, err
	}
	var set jwt.VerificationKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, &k.PublicKey)
	}
	var c jwsClaims
	_, err = jwt.ParseWithClaims(t, &c, func(*jwt.Token) (any, error) { return set, nil }, jwt.WithValidMethods([]string{"ES256"}), jwt.WithoutClaimsValidation())
	if err != nil || c.Claims == nil || len(c.Claims.Audit) == 0 {
		return nil, nil
	}
	return c.Claims, nil
}

func isJWS(t string) bool { return strings.Count(t, ".") == 2 }
