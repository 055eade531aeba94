package keystone

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sqldb"

	"golang.org/x/crypto/bcrypt"
)

// A hasher hashes passwords without holding up the rest: all processors but one
// (at least one) hash at once, a bounded number wait, and further ones are sent
// away to come again.
type hasher struct {
	name    string // of the scheme that makes new hashes
	cost    int    // of the bcrypt schemes
	seats   chan struct{}
	waiting atomic.Int64
	none    string // what the password of a user that is not there is held against
}

// maxWaiting is how many may wait: at a quarter of a second each, about a minute's.
const maxWaiting = 256

func newHasher(name string, cost int) (*hasher, error) {
	if s := schemes[name]; s == nil || s.make == nil {
		return nil, fmt.Errorf("password_hash: %s: bcrypt, bcrypt_sha256, scrypt, argon2 or pbkdf2_sha512 is wanted", name)
	}
	if cost < bcrypt.MinCost || cost > maxRounds {
		return nil, fmt.Errorf("bcrypt_cost: %d: a number from %d to %d is wanted", cost, bcrypt.MinCost, maxRounds)
	}
	return &hasher{name: name, cost: cost, seats: make(chan struct{}, max(1, runtime.NumCPU()-1)), none: schemes[name].none(cost)}, nil
}

func (h *hasher) do(ctx context.Context, f func()) error {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return fault.New(fault.Unavailable, "The service is busy with other sign-ins. Please try again.")
	}
	defer h.waiting.Add(-1)
	select {
	case h.seats <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.seats }()
	f()
	return nil
}

// Hash is what is kept of a password.
func (h *hasher) Hash(ctx context.Context, password string) (string, error) {
	if strings.ContainsRune(password, 0) {
		return "", fault.New(fault.Invalid, "Invalid input for field 'password': it holds a NUL character")
	}
	var out string
	var err error
	if e := h.do(ctx, func() { out, err = schemes[h.name].make(password, h.cost) }); e != nil {
		return "", e
	}
	return out, err
}

// Matches tells whether the password is the one that was hashed, by any scheme. It
// takes as long for a kept hash of "", which none matches.
func (h *hasher) Matches(ctx context.Context, kept, password string) (bool, error) {
	real, name := kept != "", schemeOf(kept)
	if !real {
		kept, name = h.none, h.name
	}
	if name == "" {
		return false, errHash
	}
	var ok bool
	var err error
	if e := h.do(ctx, func() { ok, err = schemes[name].is(kept, password) }); e != nil {
		return false, e
	}
	return real && ok && err == nil, err
}

// proofs remembers, for a minute, that a password was right: under a secret of the
// process, bound to the very hash, and forgotten at every change of anyone.
type proofs struct {
	secret [32]byte
	mu     sync.Mutex
	seen   map[[32]byte]time.Time
}

const (
	proofLife = time.Minute
	maxProofs = 4096
)

func (p *proofs) init() {
	rand.Read(p.secret[:])
	p.clear()
}

func (p *proofs) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = map[[32]byte]time.Time{}
}

func (p *proofs) key(kept, password string) (k [32]byte) {
	m := hmac.New(sha256.New, p.secret[:])
	m.Write([]byte(kept))
	m.Write([]byte{0})
	m.Write([]byte(password))
	m.Sum(k[:0])
	return k
}

func (p *proofs) has(k [32]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.seen[k])
}

func (p *proofs) add(k [32]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) >= maxProofs {
		p.seen = map[[32]byte]time.Time{}
	}
	p.seen[k] = time.Now().Add(proofLife)
}

// verify tells whether the password is the user's; nil is a user that is not
// there, which takes as long to find out.
func (i *Identity) verify(ctx context.Context, u *User, password string) (bool, error) {
	if u == nil {
		return i.verifyHash(ctx, "", password)
	}
	ok, err := i.verifyHash(ctx, u.PasswordHash, password)
	if ok && err == nil && schemeOf(u.PasswordHash) != i.hasher.name {
		i.rehash(ctx, u, password)
	}
	return ok, err
}

// rehash keeps a password that was right under the scheme that is chosen now, unless
// it was changed meanwhile. That it does not succeed is no reason to turn anyone away.
func (i *Identity) rehash(ctx context.Context, u *User, password string) {
	fresh, err := i.hasher.Hash(ctx, password)
	if err == nil {
		err = i.db.Tx(sqldb.Quiet(ctx), func(ctx context.Context) error {
			now, err := one[User](ctx, i.store, Match{"id": u.ID, "password_hash": u.PasswordHash})
			if err != nil || now == nil {
				return err
			}
			now.PasswordHash = fresh
			return i.store.Update(ctx, now)
		})
	}
	if err != nil {
		slog.Warn("a password could not be hashed anew", "user", u.ID, "cause", err)
	}
}

func (i *Identity) verifyHash(ctx context.Context, kept, password string) (bool, error) {
	k := i.proofs.key(kept, password)
	if kept != "" && i.proofs.has(k) {
		return true, nil
	}
	ok, err := i.hasher.Matches(ctx, kept, password)
	if errors.Is(err, errHash) {
		slog.Warn("nobody can sign in by this hash", "cause", err)
		return false, nil
	}
	if ok {
		i.proofs.add(k)
	}
	return ok, err
}
