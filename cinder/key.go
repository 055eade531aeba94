package cinder

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"stackd/internal/fault"

	"github.com/google/uuid"
)

// A Key is the passphrase of one encrypted volume, closed; it goes with the volume.
type Key struct {
	ID        string `bun:",pk"`
	Sealed    string
	CreatedAt time.Time
}

// Sealer closes and opens secrets with the cloud's master key.
type Sealer interface {
	Close(plain []byte) string
	Open(closed string) ([]byte, error)
}

// Sealed says what closes keys; without it no volume is encrypted.
func (s *Storage) Sealed(x Sealer) { s.sealer = x }

// LUKSHeader is what encryption takes of a volume's size, in bytes: a guest sees that less.
const LUKSHeader = 2 << 20

// encrypt gives a new volume the key that its type asks for. What is made of a volume
// has its bytes, and so its passphrase.
func (s *Storage) encrypt(ctx context.Context, v, original *Volume) error {
	e, err := s.EncryptionOf(ctx, v.TypeID)
	if err != nil {
		return err
	}
	switch {
	case original != nil && original.KeyID != "":
		secret, err := s.Passphrase(ctx, original)
		if err != nil {
			return err
		}
		return s.newKey(ctx, v, secret)
	case e == nil:
		return nil
	case original != nil:
		return badInput("Invalid volume_type provided: %s (requested type is not compatible; either match source volume, or omit type argument).", v.TypeID)
	case s.sealer == nil:
		return noSealer()
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	return s.newKey(ctx, v, []byte(hex.EncodeToString(secret)))
}

func (s *Storage) newKey(ctx context.Context, v *Volume, secret []byte) error {
	v.KeyID = uuid.NewString()
	return s.InsertKey(ctx, &Key{v.KeyID, s.sealer.Close(secret), s.Now()})
}

// Passphrase opens an encrypted volume's key; it is nil for others.
func (s *Storage) Passphrase(ctx context.Context, v *Volume) ([]byte, error) {
	if v.KeyID == "" {
		return nil, nil
	}
	all, err := s.Passphrases(ctx, v.ID)
	if err == nil && all[v.ID] == "" {
		err = fault.New(fault.Internal, "The key of volume %s is not there.", v.ID)
	}
	return []byte(all[v.ID]), err
}

// Passphrases opens the keys of encrypted volumes among those, by volume.
func (s *Storage) Passphrases(ctx context.Context, volumes ...string) (map[string]string, error) {
	of, err := s.KeysOf(ctx, volumes...)
	if err != nil || len(of) == 0 {
		return nil, err
	}
	if s.sealer == nil {
		return nil, noSealer()
	}
	out := map[string]string{}
	for volume, k := range of {
		secret, err := s.sealer.Open(k.Sealed)
		if err != nil {
			return nil, err
		}
		out[volume] = string(secret)
	}
	return out, nil
}

func noSealer() error {
	return fault.New(fault.Unavailable, "Volumes cannot be encrypted: the cloud has no key to keep theirs with.")
}
