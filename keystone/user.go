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
}

// CreateUser keeps a new user with a password; "" is none.
func (i *Identity) CreateUser(ctx context.Context, u *User, password string) error {
	if _, err := i.Domain(ctx, u.DomainID); err != nil {
		return err
	}
	if err := i.setPassword(ctx, u, password); err != nil {
		return err
	}
	u.ID, u.Options, u.CreatedAt = orNewID(u.ID), tidy(u.Options), i.db.Now()
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.mayDefaultTo(ctx, u); err != nil {
			return err
		}
		err := i.store.Insert(ctx, u)
		if sqldb.Taken(err) {
			return userTaken(u)
		}
		return err
	})
}

func userTaken(u *User) error {
	return conflict("user", "Duplicate entry found with name %s at domain ID %s", u.Name, u.DomainID)
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
	u, err := one[User](ctx, i.store, Match{"id": id})
	if err == nil && u == nil {
		return nil, missing("user", id)
	}
	return u, err
}

// Users is one page of users.
func (i *Identity) Users(ctx context.Context, l listing.List) (listing.Page[*User], error) {
	us, err := i.store.Users(ctx, l)
	return listing.Cut(us, l.Limit), err
}

// UpdateUser changes a user in place. A new password ("" is the old one) and
// disabling end all of the user's tokens.
func (i *Identity) UpdateUser(ctx context.Context, id, password string, change func(*User) error) (*User, error) {
	var fresh User
	if err := i.setPassword(ctx, &fresh, password); err != nil {
		return nil, err
	}
	var u *User
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if u, err = i.User(ctx, id); err != nil {
			return err
		}
		old := *u
		if err := change(u); err != nil {
			return err
		}
		if u.DomainID != old.DomainID {
			return fault.New(fault.Invalid, "Cannot change user's domain ID")
		}
		if fresh.PasswordHash != "" {
			u.PasswordHash, u.PasswordAt, u.TokensFrom = fresh.PasswordHash, fresh.PasswordAt, i.db.Now()
		}
		if old.Enabled && !u.Enabled {
			u.TokensFrom = i.db.Now()
		}
		if u.Enabled && (fresh.PasswordHash != "" || !old.Enabled) {
			if err := i.forgive(ctx, id); err != nil {
				return err
			}
		}
		return i.saveUser(ctx, u)
	})
	return u, err
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
	return i.changed(ctx)
}

// ChangePassword is a user changing its own, which it must know.
func (i *Identity) ChangePassword(ctx context.Context, id, original, password string) error {
	u, err := one[User](ctx, i.store, Match{"id": id})
	if err != nil {
		return err
	}
	if ok, err := i.knows(ctx, u, original); err != nil || !ok || !u.Enabled {
		return firstOf(err, Unauthorized("the original password is wrong"))
	}
	if locked, _ := u.Options["lock_password"].(bool); locked {
		return forbidden("Password cannot be changed: the user's option lock_password is set.")
	}
	_, err = i.UpdateUser(ctx, id, password, func(*User) error { return nil })
	return err
}

// DeleteUser takes a user away with all that hangs on it.
func (i *Identity) DeleteUser(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.User(ctx, id); err != nil {
			return err
		}
		return i.store.DropUser(ctx, id)
	})
}
