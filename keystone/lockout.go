package keystone

import (
	"context"
	"time"

	"stackd/internal/sqldb"
)

// Failures are a user's wrong proofs in a row.
type Failures struct {
	UserID   string    `bun:"user_id,pk"`
	Attempts int64     `bun:"attempts"`
	FailedAt time.Time `bun:"failed_at"`
}

// guarded runs a check of what the user (nil is one that is not there) claims to
// know. After too many wrong answers in a row none is right for a while; check is
// then told so, and takes as long as ever to say no.
func (i *Identity) guarded(ctx context.Context, u *User, check func(locked bool) (bool, error)) (bool, error) {
	if u == nil || i.opts.LockoutAttempts <= 0 || exempt(u) {
		return check(false)
	}
	locked, _, err := i.lockedOut(ctx, u)
	if err != nil {
		return false, err
	}
	ok, err := check(locked)
	if err != nil || locked {
		return false, err
	}
	err = i.db.Tx(sqldb.Quiet(ctx), func(ctx context.Context) error { return i.count(ctx, u, &ok) })
	return ok && err == nil, err
}

// count counts a wrong answer. A right one ends the row, unless others that were
// being checked at the same time have locked the user out meanwhile.
func (i *Identity) count(ctx context.Context, u *User, ok *bool) error {
	if !*ok {
		now := i.db.Now()
		return i.store.Fail(ctx, u.ID, now, now.Add(-i.opts.LockoutDuration))
	}
	locked, any, err := i.lockedOut(ctx, u)
	if *ok = !locked; err != nil || locked || !any {
		return err
	}
	return i.forgive(ctx, u.ID)
}

func (i *Identity) lockedOut(ctx context.Context, u *User) (locked, any bool, err error) {
	f, err := one[Failures](ctx, i.store, Match{"user_id": u.ID})
	if err != nil || f == nil {
		return false, false, err
	}
	since := i.db.Now().Add(-i.opts.LockoutDuration)
	return f.Attempts >= int64(i.opts.LockoutAttempts) && f.FailedAt.After(since), true, nil
}

func exempt(u *User) bool {
	yes, _ := u.Options["ignore_lockout_failure_attempts"].(bool)
	return yes
}

// forgive lets a user's wrong proofs count no more.
func (i *Identity) forgive(ctx context.Context, user string) error {
	_, err := i.store.Delete(ctx, (*Failures)(nil), Match{"user_id": user})
	return err
}

// knows tells whether the password is the user's, who is not locked out.
func (i *Identity) knows(ctx context.Context, u *User, password string) (bool, error) {
	return i.guarded(ctx, u, func(locked bool) (bool, error) {
		if locked {
			return i.verify(ctx, nil, password)
		}
		if d, local, err := i.directoryOf(ctx, u); err != nil || d != nil {
			if err != nil {
				return false, err
			}
			ok, err := d.Authenticate(ctx, local, password)
			return ok, unreachableOr(d.domain, err)
		}
		return i.verify(ctx, u, password)
	})
}
