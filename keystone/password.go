package keystone

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stackd/internal/fault"

	"golang.org/x/crypto/bcrypt"
)

// A hasher hashes passwords without holding up the rest: all processors but one
// (at least one) hash at once, a bounded number wait, and further ones are sent
// away to come again.
type hasher struct {
	cost    int
	seats   chan struct{}
	waiting atomic.Int64
	dummy   []byte // what the password of a user that is not there is held against
}

// maxWaiting is how many may wait: at a quarter of a second each, about a minute's.
const maxWaiting = 256

func newHasher(cost int) (*hasher, error) {
	dummy := fmt.Sprintf("$2a$%02d$%.53s", cost, rand.Text()+rand.Text()+rand.Text())
	if c, err := bcrypt.Cost([]byte(dummy)); err != nil || c != cost || cost < bcrypt.MinCost || cost > bcrypt.MaxCost {
		return nil, fmt.Errorf("bcrypt cannot work with %d rounds", cost)
	}
	return &hasher{cost: cost, seats: make(chan struct{}, max(1, runtime.NumCPU()-1)), dummy: []byte(dummy)}, nil
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

// long marks the hash of a password longer than bcrypt's 72 bytes: bcrypt is then
// given the password's SHA-256 in base64, so that no byte goes unheard.
const long = "$sha256"

func whole(password string) (text []byte, mark string) {
	if len(password) <= 72 {
		return []byte(password), ""
	}
	sum := sha256.Sum256([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(sum[:])), long
}

// Hash is what is kept of a password.
func (h *hasher) Hash(ctx context.Context, password string) (string, error) {
	if strings.ContainsRune(password, 0) {
		return "", fault.New(fault.Invalid, "Invalid input for field 'password': it holds a NUL character")
	}
	text, mark := whole(password)
	var out []byte
	var err error
	if e := h.do(ctx, func() { out, err = bcrypt.GenerateFromPassword(text, h.cost) }); e != nil {
		return "", e
	}
	return mark + string(out), err
}

// Matches tells whether the password is the one that was hashed. It takes as long
// for a kept hash of "", which none matches.
func (h *hasher) Matches(ctx context.Context, kept, password string) (bool, error) {
	text, mark := whole(password)
	against, marked := strings.CutPrefix(kept, long)
	real := kept != "" && marked == (mark == long)
	b := []byte(against)
	if !real {
		b = h.dummy
	}
	var err error
	if e := h.do(ctx, func() { err = bcrypt.CompareHashAndPassword(b, text) }); e != nil {
		return false, e
	}
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, err
	}
	return real && err == nil, nil
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
	kept := ""
	if u != nil {
		kept = u.PasswordHash
	}
	return i.verifyHash(ctx, kept, password)
}

func (i *Identity) verifyHash(ctx context.Context, kept, password string) (bool, error) {
	k := i.proofs.key(kept, password)
	if kept != "" && i.proofs.has(k) {
		return true, nil
	}
	ok, err := i.hasher.Matches(ctx, kept, password)
	if ok {
		i.proofs.add(k)
	}
	return ok, err
}
