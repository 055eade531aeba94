package keystone

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// box closes and opens what is of one purpose with a key made of the master key: every
// control plane can open it, nobody else, and it is good for no other purpose.
func (k *keyring) box(purpose string) cipher.AEAD {
	m := hmac.New(sha256.New, k.master)
	m.Write([]byte("keystone " + purpose))
	b, err := aes.NewCipher(m.Sum(nil))
	if err != nil {
		panic(err) // the key is always 32 bytes
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		panic(err)
	}
	return g
}

// close is plain text made unreadable, as text for URLs and cookies.
func (k *keyring) close(purpose string, plain []byte) string {
	g := k.box(purpose)
	nonce := make([]byte, g.NonceSize())
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(g.Seal(nonce, nonce, plain, nil))
}

// open reads what close made.
func (k *keyring) open(purpose, closed string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(closed)
	g := k.box(purpose)
	if err != nil || len(b) < g.NonceSize() {
		return nil, errors.New("it is not of this cloud")
	}
	return g.Open(nil, b[:g.NonceSize()], b[g.NonceSize():], nil)
}
