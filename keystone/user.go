package keystone

import (
	"context"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
)

// A User is someone who may sign in.
type User struct {
	ID                string         `bun:"id,pk"`
	DomainID          string         `bun:"domain_id"`
	Name              string         `bun:"name"`
	Enabled           bool           `bun:"enabled"`
	DefaultProjectID  string         `bun:"default_project_id"`
	Options           map[string]any `bun:"options"`
	Extra             map[string]any `bun:"extra"`
	PasswordHash      string         `bun:"password_hash"` // "" cannot sign in by password
	PasswordAt        time.Time      `bun:"password_at,nullzero"`
	PasswordExpiresAt time.Time      `bun:"password_expires_at,nullzero"`
	TokensFrom        time.Time      `bun:"tokens_from,nullzero"` // tokens issued earlier are dead
	CreatedAt         time.Time      `bun:"created_at"`

	Federated    []*FederatedUser `bun:"-"`                       // to be set; nil leaves them as they are
	LastActiveAt time.Time        `bun:"last_active_at,nullzero"` // a day
	SelfService  bool             `bun:"password_self_service"`   // it chose its password itself

	Unlock bool `bun:"-"` // of a change: a lock-out ends
}

// CreateUser keeps a new user with a password; "" is none.
func (i *Identity) CreateUser(ctx context.Context, u *User, password string) error {
	if _, err := i.Domain(ctx, u.DomainID); err != nil {
		return err
	}
	if err := i.freshPassword(ctx, u, password); err != nil {
		return err
	}
	u.ID, u.Options, u.CreatedAt = orNewID(u.ID), tidy(u.Options), i.db.Now()
	if u.PasswordHash != "" {
		u.PasswordExpiresAt = i.expiry(u, false)
	}
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if err := firstOf(i.mayWrite(ctx, u.DomainID), i.mayDefaultTo(ctx, u)); err != nil {
			return err
		}
		err := i.store.Insert(ctx, u)
		if sqldb.Taken(err) {
			return userTaken(u)
		}
		if err != nil {
			return err
		}
		return i.federateAs(ctx, u)
	})
}

func userTaken(u *User) error {
	return conflict("user", "Duplicate entry found with name %s at domain ID %s", u.Name, u.DomainID)
}

// freshPassword is setPassword for one that must be strong enough.
func (i *Identity) freshPassword(ctx context.Context, u *User, password string) error {
	if password == "" {
		return nil
	}
	return firstOf(i.strong(password), i.setPassword(ctx, u, password))
}

// setPassword hashes, which takes long: never inside a transaction.
func (i *Identity) setPassword(ctx context.Context, u *User, password string) error {
	if password == "" {
		return nil
	}
	h, err := i.hasher.Hash(ctx, password)
	u.PasswordHash, u.PasswordAt = h, i.db.Now()
	return err
}

// mayDefaultTo: a default project may be one that is not there, but not a domain.
func (i *Identity) mayDefaultTo(ctx context.Context, u *User) error {
	if u.DefaultProjectID == "" {
		return nil
	}
	p, err := one[Project](ctx, i.store, Match{"id": u.DefaultProjectID})
	if err == nil && p != nil && p.IsDomain {
		return fault.New(fault.Invalid, "User's default project ID cannot be a domain ID: %s", p.ID)
	}
	return err
}

// User is one user by id.
func (i *Identity) User(ctx context.Context, id string) (*User, error) {
	u, err := i.userRow(ctx, id)
	if err == nil && u == nil {
		return nil, missing("user", id)
	}
	if u != nil {
		i.awake(u)
	}
	return u, err
}

// Users is one page of users.
func (i *Identity) Users(ctx context.Context, l listing.List) (listing.Page[*User], error) {
	if err := i.freshenList(ctx, "user", l); err != nil {
		return listing.Page[*User]{}, err
	}
	us, err := i.store.Users(ctx, l)
	i.awake(us...)
	return listing.Cut(us, l.Limit), err
}

// UpdateUser changes a user in place. A new password ("" is the old one) and
// disabling end all of the user's tokens; it, and Unlock, end a lock-out.
func (i *Identity) UpdateUser(ctx context.Context, id, password string, change func(*User) error) (*User, error) {
	var fresh User
	if err := i.freshPassword(ctx, &fresh, password); err != nil {
		return nil, err
	}
	return i.updateUser(ctx, id, fresh, false, change)
}

func (i *Identity) updateUser(ctx context.Context, id string, fresh User, self bool, change func(*User) error) (*User, error) {
	var u *User
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if u, err = i.User(ctx, id); err != nil {
			return err
		}
		old := *u
		if err := i.mayWrite(ctx, u.DomainID); err != nil {
			return err
		}
		if err := change(u); err != nil {
			return err
		}
		if u.DomainID != old.DomainID {
			return fault.New(fault.Invalid, "Cannot change user's domain ID")
		}
		if fresh.PasswordHash != "" {
			if err := i.renew(ctx, u, fresh, self); err != nil {
				return err
			}
			u.TokensFrom = i.db.Now()
		}
		return firstOf(i.letIn(ctx, &old, u, fresh.PasswordHash != ""), i.saveUser(ctx, u))
	})
	return u, err
}

// letIn sees to what enabling and disabling mean.
func (i *Identity) letIn(ctx context.Context, old, u *User, password bool) error {
	if old.Enabled && !u.Enabled {
		u.TokensFrom = i.db.Now()
	}
	if !u.Enabled {
		return nil
	}
	if !old.Enabled || u.Unlock {
		u.LastActiveAt = i.db.Now().Truncate(day)
	}
	if !old.Enabled || u.Unlock || password {
		return i.forgive(ctx, u.ID)
	}
	return nil
}

func (i *Identity) saveUser(ctx context.Context, u *User) error {
	u.Options = tidy(u.Options)
	if err := i.mayDefaultTo(ctx, u); err != nil {
		return err
	}
	if err := i.store.Update(ctx, u); sqldb.Taken(err) {
		return userTaken(u)
	} else if err != nil {
		return err
	}
	if err := i.federateAs(ctx, u); err != nil {
		return err
	}
	return i.changed(ctx)
}

// ChangePassword is a user changing its own, which it must know; it may have expired.
func (i *Identity) ChangePassword(ctx context.Context, id, original, password string) error {
	u, err := i.userRow(ctx, id)
	if err != nil {
		return err
	}
	i.noteUser(ctx, u)
	if ok, err := i.knows(ctx, u, original); err != nil || !ok || !u.Enabled || i.dormant(u) {
		return firstOf(err, Unauthorized("the original password is wrong"))
	}
	if u, err = i.User(ctx, id); err != nil { // it may have been hashed anew
		return err
	}
	if err := i.mayChoose(ctx, u, password); err != nil {
		return err
	}
	var fresh User
	if err := i.setPassword(ctx, &fresh, password); err != nil {
		return err
	}
	_, err = i.updateUser(ctx, id, fresh, true, func(now *User) error {
		if now.PasswordHash != u.PasswordHash {
			return Unauthorized("the password was changed meanwhile")
		}
		return nil
	})
	return err
}

// DeleteUser takes a user away with all that hangs on it.
func (i *Identity) DeleteUser(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		u, err := i.User(ctx, id)
		if err == nil {
			err = i.mayWrite(ctx, u.DomainID)
		}
		if err != nil {
			return err
		}
		return i.store.DropUser(ctx, id)
	})
}
