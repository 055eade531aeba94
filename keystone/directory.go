package keystone

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"stackd/internal/fault"
)

// A DirectoryID is the id that a directory's user or group has here.
type DirectoryID struct {
	PublicID string `bun:"public_id,pk"`
	DomainID string `bun:"domain_id"`
	Kind     string `bun:"kind"` // user, group
	LocalID  string `bun:"local_id"`
}

// publicID is the real service's: SHA-256 of domain, kind and local id.
func publicID(domain, kind, local string) string {
	sum := sha256.Sum256([]byte(domain + kind + local))
	return hex.EncodeToString(sum[:])
}

// directory is a domain's Directory with what this process remembers of it.
type directory struct {
	Directory
	domain string
	config string // it was opened with
	fresh  time.Duration

	mu   sync.Mutex
	seen map[string]time.Time // when a user, a group, or all of a kind was read
}

// due tells whether a thing is to be read again. The caller then reads it.
func (d *directory) due(what string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.seen[what]) > d.fresh
}

func (d *directory) read(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.seen) > 1<<14 {
		clear(d.seen)
	}
	d.seen[what] = time.Now()
}

// directories are those of all domains, each as of a generation; nil is none.
type directories struct {
	mu sync.Mutex
	m  map[string]directoryAt
}

type directoryAt struct {
	gen int64
	d   *directory
}

// directory is what keeps a domain's users, nil if they are kept here.
func (i *Identity) directory(ctx context.Context, domain string) (*directory, error) {
	gen, inTx := i.gen.Load(), i.db.InTx(ctx)
	i.directories.mu.Lock()
	at, ok := i.directories.m[domain]
	i.directories.mu.Unlock()
	if ok && at.gen == gen && !inTx && !i.deaf() {
		return at.d, nil
	}
	config, err := i.directoryConfig(ctx, domain)
	if err != nil {
		return nil, err
	}
	d, err := i.openDirectory(domain, config, at.d)
	if err == nil && !inTx {
		i.directories.mu.Lock()
		i.directories.m[domain] = directoryAt{gen, d}
		i.directories.mu.Unlock()
		if at.d != nil && at.d != d {
			at.d.Close()
		}
	}
	return d, err
}

// openDirectory is the old one again if nothing was changed.
func (i *Identity) openDirectory(domain string, config map[string]any, old *directory) (*directory, error) {
	if config == nil {
		return nil, nil
	}
	b, err := json.Marshal(config)
	if err != nil || old != nil && old.config == string(b) {
		return old, err
	}
	if i.opts.Directory == nil {
		return nil, unreachable(domain, fmt.Errorf("no directories are offered"))
	}
	at, err := i.opts.Directory(config)
	if err != nil {
		return nil, unreachable(domain, err)
	}
	return &directory{Directory: at, domain: domain, config: string(b), fresh: i.opts.DirectoryFresh, seen: map[string]time.Time{}}, nil
}

// unreachable is the fault of a directory that does not answer as it should; other
// domains are not concerned.
func unreachable(domain string, err error) error {
	if f := fault.Of(err); f != nil {
		return f
	}
	return fault.New(fault.Unavailable, "The directory of domain %s cannot be used now.", domain).Because(err)
}

// directoryConfig is a domain's section ldap with the usual values for what it does
// not say; nil if its driver is another.
func (i *Identity) directoryConfig(ctx context.Context, domain string) (map[string]any, error) {
	rows, err := all[DomainOption](ctx, i.store, optionMatch(domain, "", ""))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	config, driver := map[string]any{}, any(nil)
	for name, v := range ConfigDefaults["ldap"] {
		config[name] = v
	}
	for _, r := range rows {
		var v any
		if err := json.Unmarshal([]byte(r.Value), &v); err != nil {
			return nil, err
		}
		switch {
		case r.Section == "ldap":
			config[r.Name] = v
		case r.Section == "identity" && r.Name == "driver":
			driver = v
		}
	}
	if driver != "ldap" {
		return nil, nil
	}
	return config, nil
}

// mayWrite refuses changes to what a directory keeps.
func (i *Identity) mayWrite(ctx context.Context, domain string) error {
	config, err := i.directoryConfig(ctx, domain)
	if err == nil && config != nil {
		return Denied("LDAP does not support write operations")
	}
	return err
}

// reconfigured clears away what was read of a domain's directory: its settings are
// being changed, inside the transaction. A domain with users or groups of its own
// cannot have a directory: they would be in its way.
func (i *Identity) reconfigured(ctx context.Context, domain string, before map[string]any) error {
	if before != nil {
		return i.store.DropMirror(ctx, domain)
	}
	now, err := i.directoryConfig(ctx, domain)
	if err != nil || now == nil {
		return err
	}
	for what, kind := range map[string]any{"users": (*User)(nil), "groups": (*Group)(nil)} {
		if n, err := i.store.Count(ctx, kind, Match{"domain_id": domain}); err != nil || n > 0 {
			return firstOf(err, conflict("domain_config", "The domain has %s of its own, which must be gone before a directory keeps them", what))
		}
	}
	return nil
}
