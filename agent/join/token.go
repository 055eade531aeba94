package join

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"time"
)

// A Pass is a join token as its bearer holds it: ID.SECRET.FINGERPRINT.
type Pass struct{ ID, Secret, Fingerprint string }

var passShape = regexp.MustCompile(`^([a-z0-9]{8})\.([A-Z2-7]{26})\.([0-9a-f]{64})$`)

// ReadPass reads what String writes.
func ReadPass(s string) (Pass, error) {
	m := passShape.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return Pass{}, errors.New("this is no join token; make one on a control plane with: stackd node token")
	}
	return Pass{m[1], m[2], m[3]}, nil
}

func (p Pass) String() string { return p.ID + "." + p.Secret + "." + p.Fingerprint }

func newPass(fingerprint string) Pass {
	return Pass{strings.ToLower(rand.Text()[:8]), rand.Text(), fingerprint}
}

func hashOf(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// good tells whether a token's row takes the secret for a host now.
func (t *Token) good(secret, host string, now time.Time) bool {
	same := subtle.ConstantTimeCompare([]byte(t.Hash), []byte(hashOf(secret))) == 1
	return same && now.Before(t.ExpiresAt) && (t.Host == "" || t.Host == host)
}
