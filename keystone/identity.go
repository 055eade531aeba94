package keystone

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"stackd/internal/sqldb"
	"stackd/keystone/saml"

	"github.com/dlclark/regexp2"
	"github.com/google/uuid"
)

// DefaultDomain is the domain that every cloud has.
const DefaultDomain = "default"

// Options are an Identity's settings; the zero value of each is its usual one.
type Options struct {
	// MasterKey wraps the keys that are kept in the database; see MasterKey. All
	// control planes of a cloud share one. Empty is a key that ends with the
	// process, for tests.
	MasterKey []byte `yaml:"-"`
	// PasswordHash is how new passwords are hashed: bcrypt (the usual one),
	// bcrypt_sha256, scrypt, argon2 or pbkdf2_sha512. Old hashes of any of them are
	// good, and made anew at the next sign-in.
	PasswordHash string        `yaml:"password_hash"`
	BcryptCost   int           `yaml:"bcrypt_cost"` // 12
	TokenLife    time.Duration `yaml:"token_life"`  // an hour
	// TokenProvider is the kind of token that is made: fernet (the usual one), which
	// only the cloud can read, or jws, signed by ES256. Either is good at any time.
	TokenProvider string `yaml:"token_provider"`
	// AuditKeep is how long events of the audit are kept: 90 days.
	AuditKeep time.Duration `yaml:"audit_keep"`
	// KeepKeys is how many token keys there are at most: one staged, one that signs,
	// the rest for checking only. It is 5: with a new one a day, a token can be
	// checked for two days after its end.
	KeepKeys int `yaml:"keep_keys"`
	// LockoutAttempts is after how many wrong passwords or passcodes in a row a user
	// is locked out for LockoutDuration (half an hour); 0 is never.
	LockoutAttempts int           `yaml:"lockout_attempts"`
	LockoutDuration time.Duration `yaml:"lockout_duration"`
	Compliance      Compliance    `yaml:"security_compliance"`
	// Redelegation lets a trustee make further trusts of a trust that says so, up to
	// RedelegationDepth (3) in a row.
	Redelegation      bool  `yaml:"trust_redelegation"`
	RedelegationDepth int64 `yaml:"max_redelegation_count"`
	// LimitModel is flat (the usual one) or strict_two_level: then no project may have
	// more than its domain, and none stands below another.
	LimitModel string `yaml:"limit_model"`
	// TOTP offers sign-in by passcode. A passcode is short: have a lock-out with it.
	TOTP bool `yaml:"totp"`
	// External lets the user in whom a client's TLS certificate names, without more:
	// see ExternalDefault. "" does not.
	External string `yaml:"external"`
	// TrustedIssuers are the issuers (CN=…,O=…) whose clients' certificates call without
	// a token, by the mapping of protocol x509 of the identity provider whose id is the
	// SHA-256 of the issuer. None is nobody.
	TrustedIssuers []string `yaml:"trusted_issuers"`
	// Directory opens what keeps a domain's users by the domain's section ldap; nil
	// offers none.
	Directory func(config map[string]any) (Directory, error) `yaml:"-"`
	// DirectoryFresh is how long what was read of a directory holds: half a minute.
	DirectoryFresh time.Duration `yaml:"directory_fresh"`
	// RequestTokenLife (8 hours) and AccessTokenLife (a day) are how long the tokens of
	// OAuth1 last.
	RequestTokenLife time.Duration `yaml:"request_token_life"`
	AccessTokenLife  time.Duration `yaml:"access_token_life"`
	// Federation is sign-in by the word of others.
	Federation FederationOptions `yaml:"federation"`
}

// Identity is who people are, and the verbs on all that belongs to it.
type Identity struct {
	db      *sqldb.DB
	store   Store
	opts    Options
	keys    *keyring
	hasher  *hasher
	proofs  proofs
	gates   map[string]gate          // to identity providers, by id
	signing atomic.Pointer[saml.Key] // of SAML, once it was needed
	regex   *regexp2.Regexp          // of Options.Compliance; nil is no rule
	crowd   crowd

	// gen counts changes that may make a remembered session untrue.
	gen         atomic.Int64
	sessions    sessions
	directories directories
	roles       atomic.Pointer[roleGraph]
	catalog     atomic.Pointer[catalogAt]
}

// New is an Identity over its store. Bootstrap or Open it before use.
func New(db *sqldb.DB, s Store, o Options) (*Identity, error) {
	o.BcryptCost, o.PasswordHash = cmp.Or(o.BcryptCost, 12), cmp.Or(o.PasswordHash, "bcrypt")
	o.AuditKeep = cmp.Or(o.AuditKeep, 90*24*time.Hour)
	o.TokenLife = cmp.Or(o.TokenLife, time.Hour)
	o.LockoutDuration = cmp.Or(o.LockoutDuration, 30*time.Minute)
	o.RequestTokenLife, o.AccessTokenLife = cmp.Or(o.RequestTokenLife, 8*time.Hour), cmp.Or(o.AccessTokenLife, 24*time.Hour)
	o.DirectoryFresh = cmp.Or(o.DirectoryFresh, 30*time.Second)
	o.KeepKeys, o.RedelegationDepth = cmp.Or(o.KeepKeys, 5), cmp.Or(o.RedelegationDepth, 3)
	if len(o.MasterKey) == 0 {
		o.MasterKey = make([]byte, 32)
		rand.Read(o.MasterKey)
	}
	master := sha256.Sum256(o.MasterKey)
	if err := checkExternal(o.External); err != nil {
		return nil, err
	}
	h, err := newHasher(o.PasswordHash, o.BcryptCost)
	if err != nil {
		return nil, err
	}
	if o.LimitModel = cmp.Or(o.LimitModel, "flat"); limitModels[o.LimitModel].Name == "" {
		return nil, fmt.Errorf("limit_model: %s: flat or strict_two_level is wanted", o.LimitModel)
	}
	if o.TokenProvider = cmp.Or(o.TokenProvider, "fernet"); !slices.Contains(tokenKinds, o.TokenProvider) {
		return nil, fmt.Errorf("token_provider: %s: fernet or jws is wanted", o.TokenProvider)
	}
	re, err := o.Compliance.compile()
	if err != nil {
		return nil, err
	}
	i := &Identity{db: db, store: noting{s}, opts: o, hasher: h, regex: re, keys: &keyring{master: master[:]}}
	i.proofs.init()
	i.openGates()
	i.sessions.init()
	i.directories.m = map[string]directoryAt{}
	return i, nil
}

// Watch hears what other control planes change, and gives the tokens a new key every
// day, until the context ends.
func (i *Identity) Watch(ctx context.Context) {
	go i.rotateDaily(ctx)
	i.db.Listen(ctx, "keystone", func(bool) { i.forget() }, i.forget)
}

// deaf tells that other control planes' changes may go unheard: nothing that is
// remembered counts then.
func (i *Identity) deaf() bool { return !i.db.Hears("keystone") }

func (i *Identity) rotateDaily(ctx context.Context) {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		i.purge(ctx)
		i.keys.stale.Store(true) // they may have been rotated by hand, beside an SQLite file
		if err := i.rotateKeys(ctx, 24*time.Hour); err != nil && ctx.Err() == nil {
			slog.Error("the tokens' key cannot be rotated", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// changed makes every control plane forget its sessions once the context's
// transaction is committed.
func (i *Identity) changed(ctx context.Context) error {
	i.db.After(ctx, i.forget)
	return i.db.Notify(ctx, "keystone")
}

func (i *Identity) forget() {
	i.gen.Add(1)
	i.proofs.clear()
	i.keys.stale.Store(true)
}

// drop is a transaction that takes something away.
func (i *Identity) drop(ctx context.Context, f func(ctx context.Context) error) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if err := f(ctx); err != nil {
			return err
		}
		return i.changed(ctx)
	})
}

// NewID is a fresh id as keystone writes them: 32 hexadecimal digits.
func NewID() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }

func orNewID(id string) string {
	if id != "" {
		return id
	}
	return NewID()
}

func firstOf(errs ...error) error {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return nil
}

func hash(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
