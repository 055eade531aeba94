package keystone

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fernet/fernet-go"
	"github.com/vmihailenco/msgpack/v5"
)

// A Key is one key of the cloud, wrapped with the master key. Of the keys of a
// kind the highest position signs; position 0 is staged: known everywhere before
// it is the next to sign.
type Key struct {
	Kind      string    `bun:"kind,pk"` // fernet, jws, credential
	Position  int64     `bun:"position,pk"`
	Wrapped   string    `bun:"wrapped"`
	CreatedAt time.Time `bun:"created_at"` // when it was staged, or began to sign
}

// keyring holds the unwrapped keys of this process.
type keyring struct {
	master []byte
	stale  atomic.Bool // somebody may have rotated
	mu     sync.RWMutex
	keys   map[string][]*fernet.Key // by kind; the signing one first
	parsed sync.Map                 // of JWS: fernet.Key → *ecdsa.PrivateKey
}

// MasterKey reads the key file of a control plane, making it (0600) when missing.
func MasterKey(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		return base64.StdEncoding.DecodeString(strings.TrimSpace(string(b)))
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n"); err != nil {
		f.Close()
		return nil, err
	}
	return key, errors.Join(f.Sync(), f.Close())
}

func (k *keyring) gcm() cipher.AEAD {
	b, err := aes.NewCipher(k.master)
	if err != nil {
		panic(err) // the master key is always 32 bytes
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		panic(err)
	}
	return g
}

func (k *keyring) wrap(key *fernet.Key) string {
	g := k.gcm()
	nonce := make([]byte, g.NonceSize())
	rand.Read(nonce)
	return base64.StdEncoding.EncodeToString(g.Seal(nonce, nonce, key[:], nil))
}

func (k *keyring) unwrap(s string) (*fernet.Key, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	g := k.gcm()
	if err != nil || len(b) < g.NonceSize() {
		return nil, fmt.Errorf("a key in the database is damaged")
	}
	plain, err := g.Open(nil, b[:g.NonceSize()], b[g.NonceSize():], nil)
	var key fernet.Key
	if err != nil || copy(key[:], plain) != len(key) {
		return nil, fmt.Errorf("the keys in the database were made under another master key: use the master.key of the data folder that made them")
	}
	return &key, nil
}

// secrets are the keys of a kind, the signing one first.
func (i *Identity) secrets(ctx context.Context, kind string) ([]*fernet.Key, error) {
	k := i.keys
	if !k.stale.Load() {
		k.mu.RLock()
		keys := k.keys[kind]
		k.mu.RUnlock()
		if keys != nil {
			return keys, nil
		}
	}
	k.stale.Store(false)
	rows, err := all[Key](ctx, i.store, Match{}, "position")
	if err != nil {
		k.stale.Store(true)
		return nil, err
	}
	fresh := map[string][]*fernet.Key{}
	for _, r := range slices.Backward(rows) {
		key, err := k.unwrap(r.Wrapped)
		if err != nil {
			return nil, err
		}
		fresh[r.Kind] = append(fresh[r.Kind], key)
	}
	k.mu.Lock()
	k.keys = fresh
	k.mu.Unlock()
	if fresh[kind] == nil {
		return nil, fmt.Errorf("there are no %s keys: the cloud was not bootstrapped", kind)
	}
	return fresh[kind], nil
}

// setUpKeys makes the first keys, once, and sees that the keys there are can be read.
func (i *Identity) setUpKeys(ctx context.Context) error {
	for _, kind := range []string{"fernet", "jws", "credential"} {
		n, err := i.store.Count(ctx, (*Key)(nil), Match{"kind": kind})
		if err != nil {
			return err
		}
		for p := int64(0); n == 0 && p < 2; p++ {
			if err := i.addKey(ctx, kind, p); err != nil {
				return err
			}
		}
	}
	i.keys.stale.Store(true)
	_, err := i.secrets(ctx, "fernet")
	i.keys.stale.Store(true) // what was read counts once it is committed
	return err
}

func (i *Identity) addKey(ctx context.Context, kind string, position int64) error {
	key, err := newKey(kind)
	if err != nil {
		return err
	}
	return i.store.Insert(ctx, &Key{Kind: kind, Position: position, Wrapped: i.keys.wrap(key), CreatedAt: i.db.Now()})
}

// RotateKeys makes the staged keys of both kinds of token the signing ones, stages
// new ones, and drops what is older than the newest few. Nobody has to start again.
func (i *Identity) RotateKeys(ctx context.Context) error { return i.rotateKeys(ctx, 0) }

// TokenKeys are the keys of tokens, without the secrets, in the order of their
// positions: 0 is staged, the highest of a kind signs.
func (i *Identity) TokenKeys(ctx context.Context) ([]*Key, error) {
	rows, err := all[Key](ctx, i.store, Match{"kind": tokenKinds}, "kind", "position")
	for _, r := range rows {
		r.Wrapped = ""
	}
	return rows, err
}

var tokenKinds = []string{"fernet", "jws"}

// rotateKeys does so with those that have signed for so long.
func (i *Identity) rotateKeys(ctx context.Context, age time.Duration) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		for _, kind := range tokenKinds {
			if err := i.rotateKind(ctx, kind, age); err != nil {
				return err
			}
		}
		return nil
	})
}

func (i *Identity) rotateKind(ctx context.Context, kind string, age time.Duration) error {
	rows, err := all[Key](ctx, i.store, Match{"kind": kind}, "position")
	if err != nil || len(rows) == 0 || i.db.Now().Sub(rows[len(rows)-1].CreatedAt) < age {
		return err
	}
	staged, top := rows[0], rows[len(rows)-1].Position
	if _, err := i.store.Delete(ctx, (*Key)(nil), Match{"kind": kind, "position": staged.Position}); err != nil {
		return err
	}
	staged.Position, staged.CreatedAt = top+1, i.db.Now()
	if err := i.store.Insert(ctx, staged); err != nil {
		return err
	}
	if err := i.addKey(ctx, kind, 0); err != nil {
		return err
	}
	for _, old := range rows[1:max(1, len(rows)-max(1, i.opts.KeepKeys-2))] {
		if _, err := i.store.Delete(ctx, (*Key)(nil), Match{"kind": kind, "position": old.Position}); err != nil {
			return err
		}
	}
	return i.changed(ctx)
}

// claims are what a token says by itself, packed as a list: the order is the format.
type claims struct {
	User      []byte
	Methods   []string
	Scope     string // "", project, domain, system
	ScopeID   []byte
	AppCred   []byte
	Trust     []byte
	Audit     [][]byte // its own id; then the id of the first of its chain
	IssuedAt  int64    // microseconds
	ExpiresAt int64    // seconds

	AccessToken []byte // of OAuth1
	Thumbprint  string // see token.Who

	IdP      string   // who vouched for the user
	Protocol string   // and how
	Groups   [][]byte // that the user is in by that word alone
}

// pack makes the usual 32 digits 16 bytes; other ids stay text.
func pack(id string) []byte {
	if b, err := hex.DecodeString(id); err == nil && len(b) == 16 && strings.ToLower(id) == id {
		return append([]byte{1}, b...)
	}
	return []byte(id)
}

func unpack(b []byte) string {
	if len(b) == 17 && b[0] == 1 {
		return hex.EncodeToString(b[1:])
	}
	return string(b)
}

// seal makes the token, of the kind that this cloud makes.
func (i *Identity) seal(ctx context.Context, c *claims) (string, error) {
	if i.opts.TokenProvider == "jws" {
		return i.sign(ctx, c)
	}
	keys, err := i.secrets(ctx, "fernet")
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	enc := msgpack.NewEncoder(&b)
	enc.UseArrayEncodedStructs(true)
	if err := enc.Encode(c); err != nil {
		return "", err
	}
	t, err := fernet.EncryptAndSign(b.Bytes(), keys[0])
	return strings.TrimRight(string(t), "="), err
}

// unseal is nil for what is no token of ours, of either kind.
func (i *Identity) unseal(ctx context.Context, t string) (*claims, error) {
	if isJWS(t) && len(t) <= 8192 {
		return i.verified(ctx, t)
	}
	keys, err := i.secrets(ctx, "fernet")
	if err != nil || len(t) > 8192 || len(t) < 20 {
		return nil, err
	}
	if pad := len(t) % 4; pad > 0 {
		t += strings.Repeat("=", 4-pad)
	}
	b := fernet.VerifyAndDecrypt([]byte(t), 0, keys)
	if b == nil {
		return nil, nil
	}
	c := &claims{}
	if err := msgpack.Unmarshal(b, c); err != nil {
		return nil, nil
	}
	return c, nil
}
