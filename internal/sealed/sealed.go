// Package sealed closes secrets that are kept in the database: whoever has the cloud's
// master key can open them, nobody else, and what is closed for one purpose is good for
// no other.
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// A Box closes and opens what is of one purpose (AES-256-GCM).
type Box struct{ gcm cipher.AEAD }

// New makes the box of a purpose with a key made of the master key, of any length.
func New(master []byte, purpose string) Box {
	m := hmac.New(sha256.New, master)
	m.Write([]byte(purpose))
	b, err := aes.NewCipher(m.Sum(nil))
	if err != nil {
		panic(err) // the key is always 32 bytes
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		panic(err)
	}
	return Box{g}
}

// Close is plain text made unreadable, as text for URLs and cookies; each time another.
func (b Box) Close(plain []byte) string {
	nonce := make([]byte, b.gcm.NonceSize())
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(b.gcm.Seal(nonce, nonce, plain, nil))
}

// Open reads what Close made; anything else is an error.
func (b Box) Open(closed string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(closed)
	n := b.gcm.NonceSize()
	if err != nil || len(raw) < n {
		return nil, errors.New("it is not of this cloud")
	}
	return b.gcm.Open(nil, raw[:n], raw[n:], nil)
}
