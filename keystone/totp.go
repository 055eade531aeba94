package keystone

import (
	"context"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"

	"stackd/internal/sqldb"
)

// A UsedCode is a passcode that proved someone once, and does so no more.
type UsedCode struct {
	CredentialID string `bun:"credential_id,pk"`
	Step         int64  `bun:"step,pk"` // the half minute it was for
}

const (
	totpStep  = 30 // seconds
	totpSteps = 2  // the present one, and the one before
)

// passcode is the code of RFC 6238 for a step; "" of a seed that is no base32.
func passcode(seed string, step int64) string {
	seed = strings.TrimRight(strings.ToUpper(strings.ReplaceAll(seed, " ", "")), "=")
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil || len(key) == 0 {
		return ""
	}
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(step))
	sum := macOf(sha1.New, key, string(at[:]))
	n := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1000000)
}

func (i *Identity) proveByTOTP(ctx context.Context, p Proof) (*proven, error) {
	if !i.opts.TOTP {
		return nil, Unauthorized("method totp is not offered")
	}
	u, err := i.findUser(ctx, p.CodeUser)
	if err != nil {
		return nil, err
	}
	ok, err := i.guarded(ctx, u, func(locked bool) (bool, error) { return i.redeem(ctx, u, p.Passcode, locked) })
	if err != nil {
		return nil, err
	}
	if !ok || !u.Enabled {
		return nil, Unauthorized("wrong user or passcode")
	}
	return &proven{user: u, methods: []string{"totp"}}, nil
}

// redeem tells whether the code is one of the user's, and uses it up.
func (i *Identity) redeem(ctx context.Context, u *User, code string, locked bool) (bool, error) {
	id := ""
	if u != nil {
		id = u.ID
	}
	cs, err := all[Credential](ctx, i.store, Match{"user_id": id, "type": "totp"}, "id")
	if err == nil {
		err = i.reveal(ctx, cs...)
	}
	if err != nil {
		return false, err
	}
	var hit *UsedCode
	now := i.db.Now().Unix() / totpStep
	for _, c := range cs {
		for step := now; step > now-totpSteps; step-- {
			if want := passcode(c.Blob, step); want != "" && same(code, want) {
				hit = &UsedCode{c.ID, step}
			}
		}
	}
	if hit == nil || locked {
		return false, nil
	}
	err = i.db.Tx(ctx, func(ctx context.Context) error { return i.store.Insert(ctx, hit) })
	if sqldb.Taken(err) {
		return false, nil
	}
	return err == nil, err
}
