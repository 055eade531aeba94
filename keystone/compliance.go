package keystone

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sqldb"

	"github.com/dlclark/regexp2"
)

// Compliance is what is asked of passwords and of those who have them; zero is off.
// Lock-out is among the Options. A change counts for passwords set from then on.
type Compliance struct {
	PasswordExpiresDays int `yaml:"password_expires_days"`
	// UniqueLast is how many passwords, with the present one, a new one must differ from.
	UniqueLast int `yaml:"unique_last_password_count"`
	// MinimumAge is for how many days a password that its user chose must be kept.
	MinimumAge int `yaml:"minimum_password_age"`
	// Regex is what a password must match from its beginning on, in Perl's dialect;
	// RegexDescription says so in words, for those whose password does not.
	Regex            string `yaml:"password_regex"`
	RegexDescription string `yaml:"password_regex_description"`
	// FirstUse has a user change a password that somebody else gave it.
	FirstUse bool `yaml:"change_password_upon_first_use"`
	// InactiveDays is after how many days without a sign-in a user is disabled.
	InactiveDays int `yaml:"disable_user_account_days_inactive"`
}

const (
	day       = 24 * time.Hour
	maxUnique = 24 // each costs a hash
)

// An OldPassword is the hash of a password that a user had before.
type OldPassword struct {
	UserID    string    `bun:"user_id,pk"`
	CreatedAt time.Time `bun:"created_at,pk"`
	Hash      string    `bun:"hash,pk"`
}

func (c Compliance) compile() (*regexp2.Regexp, error) {
	for name, n := range map[string]int{"password_expires_days": c.PasswordExpiresDays, "minimum_password_age": c.MinimumAge,
		"disable_user_account_days_inactive": c.InactiveDays, "unique_last_password_count": c.UniqueLast} {
		if n < 0 || n > 36500 || name == "unique_last_password_count" && n > maxUnique {
			return nil, fmt.Errorf("security_compliance: %s: %d is out of range", name, n)
		}
	}
	if c.Regex == "" {
		return nil, nil
	}
	re, err := regexp2.Compile(`\A(?:`+c.Regex+`)`, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("security_compliance: password_regex: %w", err)
	}
	re.MatchTimeout = 100 * time.Millisecond
	return re, nil
}

// strong refuses a password that does not match the rule.
func (i *Identity) strong(password string) error {
	if i.regex == nil {
		return nil
	}
	ok, err := i.regex.MatchString(password)
	if err != nil {
		slog.Warn("password_regex takes too long; the password is refused", "cause", err)
	}
	if !ok {
		return fault.New(fault.Invalid, "The password does not match the requirements: %s.", i.opts.Compliance.RegexDescription)
	}
	return nil
}

func option(u *User, name string) bool { yes, _ := u.Options[name].(bool); return yes }

// renew gives a user the fresh password, chosen by itself or not, and remembers the
// one it had.
func (i *Identity) renew(ctx context.Context, u *User, fresh User, self bool) error {
	if err := i.keepOld(ctx, u); err != nil {
		return err
	}
	u.PasswordHash, u.PasswordAt, u.SelfService = fresh.PasswordHash, fresh.PasswordAt, self
	u.PasswordExpiresAt = i.expiry(u, self)
	return nil
}

func (i *Identity) expiry(u *User, self bool) time.Time {
	c, now := i.opts.Compliance, i.db.Now()
	switch {
	case !self && c.FirstUse && !option(u, "ignore_change_password_upon_first_use"):
		return now
	case c.PasswordExpiresDays > 0 && !option(u, "ignore_password_expiry"):
		return now.Add(time.Duration(c.PasswordExpiresDays) * day).Truncate(time.Second)
	}
	return time.Time{}
}

func (i *Identity) expired(u *User) bool {
	return !u.PasswordExpiresAt.IsZero() && !option(u, "ignore_password_expiry") && !i.db.Now().Before(u.PasswordExpiresAt)
}

// keepOld remembers the user's present hash for as long as it counts.
func (i *Identity) keepOld(ctx context.Context, u *User) error {
	old, err := all[OldPassword](ctx, i.store, Match{"user_id": u.ID}, "created_at")
	if err != nil {
		return err
	}
	keep := i.opts.Compliance.UniqueLast - 1
	if u.PasswordHash != "" && keep > 0 {
		row := &OldPassword{u.ID, i.db.Now(), u.PasswordHash}
		if err := i.store.Insert(ctx, row); err != nil {
			return err
		}
		old = append(old, row)
	}
	for _, o := range old[:max(0, len(old)-max(0, keep))] {
		if _, err := i.store.Delete(ctx, (*OldPassword)(nil), Match{"user_id": o.UserID, "created_at": o.CreatedAt, "hash": o.Hash}); err != nil {
			return err
		}
	}
	return nil
}

// mayChoose refuses a password that a user may not take yet, or not again. It
// hashes, so it must not be called in a transaction.
func (i *Identity) mayChoose(ctx context.Context, u *User, password string) error {
	c, now := i.opts.Compliance, i.db.Now()
	if option(u, "lock_password") {
		return fault.New(fault.Invalid, "You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.")
	}
	if err := i.strong(password); err != nil {
		return err
	}
	if from := u.PasswordAt.Add(time.Duration(c.MinimumAge) * day); c.MinimumAge > 0 && u.SelfService && now.Before(from) {
		return fault.New(fault.Invalid, "You cannot change your password at this time due to the minimum password age. Once you change your password, it must be used for %d day(s) before it can be changed. Please try again in %d day(s) or contact your administrator to reset your password.", c.MinimumAge, int(from.Sub(now)/day))
	}
	return i.unused(ctx, u, password)
}

func (i *Identity) unused(ctx context.Context, u *User, password string) error {
	n := i.opts.Compliance.UniqueLast
	if n == 0 {
		return nil
	}
	old, err := all[OldPassword](ctx, i.store, Match{"user_id": u.ID}, "created_at")
	if err != nil {
		return err
	}
	hashes := []string{u.PasswordHash}
	for _, o := range old[max(0, len(old)-n+1):] {
		hashes = append(hashes, o.Hash)
	}
	for _, h := range hashes {
		if used, err := i.verifyHash(ctx, h, password); err != nil {
			return err
		} else if used {
			return fault.New(fault.Invalid, "The new password cannot be identical to a previous password. The total number which includes the new password must be unique is %d.", n)
		}
	}
	return nil
}

// dormant tells whether the user has been away for too long.
func (i *Identity) dormant(u *User) bool {
	n := i.opts.Compliance.InactiveDays
	if n == 0 || option(u, "ignore_user_inactivity") {
		return false
	}
	last := u.LastActiveAt
	if last.IsZero() {
		last = u.CreatedAt
	}
	return i.db.Now().Truncate(day).Sub(last.Truncate(day)) >= time.Duration(n)*day
}

// awake is the user as it counts: one that is dormant is disabled.
func (i *Identity) awake(us ...*User) {
	for _, u := range us {
		u.Enabled = u.Enabled && !i.dormant(u)
	}
}

// seenToday notes that the user has signed in, once a day.
func (i *Identity) seenToday(ctx context.Context, u *User) error {
	today := i.db.Now().Truncate(day)
	if i.opts.Compliance.InactiveDays == 0 || !u.LastActiveAt.Before(today) || i.dormant(u) {
		return nil
	}
	return i.db.Tx(sqldb.Quiet(ctx), func(ctx context.Context) error {
		now, err := one[User](ctx, i.store, Match{"id": u.ID})
		if err != nil || now == nil {
			return err
		}
		now.LastActiveAt = today
		return i.store.Update(ctx, now)
	})
}
