package keystone

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/token"
)

// A RequestToken is a consumer's wish for access to a project, which a user
// authorizes.
type RequestToken struct {
	ID         string    `bun:"id,pk"`
	Secret     string    `bun:"secret"`
	Verifier   string    `bun:"verifier"` // what the user tells the consumer; "" until authorized
	UserID     string    `bun:"user_id"`
	ProjectID  string    `bun:"project_id"`
	RoleIDs    []string  `bun:"role_ids"`
	ConsumerID string    `bun:"consumer_id"`
	ExpiresAt  time.Time `bun:"expires_at"`
}

// An AccessToken lets a consumer sign in as a user on a project with some of the
// user's roles.
type AccessToken struct {
	ID         string    `bun:"id,pk"`
	Secret     string    `bun:"secret"`
	UserID     string    `bun:"user_id"`
	ProjectID  string    `bun:"project_id"`
	RoleIDs    []string  `bun:"role_ids"`
	ConsumerID string    `bun:"consumer_id"`
	ExpiresAt  time.Time `bun:"expires_at"`
}

// A UsedNonce is a signature that counted once, and does so no more.
type UsedNonce struct {
	ConsumerID string `bun:"consumer_id,pk"`
	TokenID    string `bun:"token_id,pk"`
	Stamp      int64  `bun:"stamp,pk"` // seconds
	Nonce      string `bun:"nonce,pk"`
}

// expects is the fault of a request that leaves something out.
func expects(attribute string) error {
	return fault.New(fault.Invalid, "Expecting to find %s in request. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.", attribute)
}

// admit checks a call's signature, made with the consumer's secret and that of the
// token named in it ("" is none), and lets it count once.
func (i *Identity) admit(ctx context.Context, c OAuthCall, p pairs, k *Consumer, secret string) error {
	at, err := stampOf(p, i.db.Now())
	if err != nil {
		return err
	}
	if ok, err := c.signed(p, k.Secret, secret); err != nil || !ok {
		return firstOf(err, Unauthorized("the OAuth1 signature does not match"))
	}
	n := &UsedNonce{k.ID, p.get("oauth_token"), at, p.get("oauth_nonce")}
	err = i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.store.Prune(ctx, i.db.Now()); err != nil {
			return err
		}
		return i.store.Insert(ctx, n)
	})
	if sqldb.Taken(err) {
		return Unauthorized("the OAuth1 signature was used before")
	}
	return err
}

// Ask makes a request token for the consumer that signed the call.
func (i *Identity) Ask(ctx context.Context, c OAuthCall) (*RequestToken, error) {
	p, err := c.params()
	if err != nil {
		return nil, err
	}
	if p.get("oauth_consumer_key") == "" {
		return nil, expects("oauth_consumer_key")
	}
	if c.ProjectID == "" {
		return nil, expects("Requested-Project-Id")
	}
	k, err := i.Consumer(ctx, p.get("oauth_consumer_key"))
	if err != nil {
		return nil, err
	}
	if err := i.admit(ctx, c, p, k, ""); err != nil {
		return nil, err
	}
	if _, err := i.Project(ctx, c.ProjectID); err != nil {
		return nil, err
	}
	r := &RequestToken{ID: NewID(), Secret: NewID(), ProjectID: c.ProjectID, RoleIDs: []string{}, ConsumerID: k.ID, ExpiresAt: i.db.Now().Add(i.opts.RequestTokenLife)}
	return r, i.db.Tx(ctx, func(ctx context.Context) error { return i.store.Insert(ctx, r) })
}

// requestToken is one that has not expired.
func (i *Identity) requestToken(ctx context.Context, id string) (*RequestToken, error) {
	r, err := one[RequestToken](ctx, i.store, Match{"id": id})
	if err == nil && r == nil {
		return nil, fault.New(fault.NotFound, "Request token not found")
	}
	if err == nil && i.db.Now().After(r.ExpiresAt) {
		return nil, Unauthorized("the request token is expired")
	}
	return r, err
}

// undelegated refuses who acts with a part of a user's rights only.
func undelegated(who *token.Who) error {
	if who.Delegated() {
		return forbidden("You are not authorized to perform the requested action.")
	}
	return nil
}

// Authorize gives a request token some of the caller's roles on its project, and
// tells what the consumer must know to make use of it.
func (i *Identity) Authorize(ctx context.Context, who *token.Who, id string, wanted []Ref) (verifier string, err error) {
	if err := undelegated(who); err != nil {
		return "", err
	}
	err = i.db.Tx(ctx, func(ctx context.Context) error {
		r, err := i.requestToken(ctx, id)
		if err != nil {
			return err
		}
		if r.RoleIDs, err = i.rolesToGive(ctx, who.User.ID, r.ProjectID, wanted); err != nil {
			return err
		}
		r.UserID, r.Verifier = who.User.ID, newVerifier()
		verifier = r.Verifier
		return i.store.Update(ctx, r)
	})
	return verifier, err
}

func (i *Identity) rolesToGive(ctx context.Context, user, project string, wanted []Ref) ([]string, error) {
	have, err := i.EffectiveRoles(ctx, user, Target{"project", project})
	ids := []string{}
	for _, w := range wanted {
		if w.ID == "" {
			r, err := one[Role](ctx, i.store, Match{"name": w.Name, "domain_id": ""})
			if err != nil || r == nil {
				return nil, firstOf(err, missing("role", w.Name))
			}
			w.ID = r.ID
		}
		if !slices.ContainsFunc(have, func(h token.Ref) bool { return h.ID == w.ID }) {
			return nil, firstOf(err, Unauthorized("the authorizing user does not have the role"))
		}
		ids = append(ids, w.ID)
	}
	return unique(ids), err
}

// verifierChars leaves out what looks alike.
const verifierChars = "abcdefghkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

func newVerifier() string {
	out := make([]byte, 0, 8)
	for b := make([]byte, 1); len(out) < cap(out); {
		if rand.Read(b); int(b[0]) < 256/len(verifierChars)*len(verifierChars) {
			out = append(out, verifierChars[int(b[0])%len(verifierChars)])
		}
	}
	return string(out)
}

// Exchange turns an authorized request token, used up by it, into an access token.
func (i *Identity) Exchange(ctx context.Context, c OAuthCall) (*AccessToken, error) {
	p, err := c.params()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"oauth_consumer_key", "oauth_token", "oauth_verifier"} {
		if p.get(name) == "" {
			return nil, expects(name)
		}
	}
	r, err := i.requestToken(ctx, p.get("oauth_token"))
	if err != nil {
		return nil, err
	}
	k, err := one[Consumer](ctx, i.store, Match{"id": r.ConsumerID})
	if err != nil || k == nil || k.ID != p.get("oauth_consumer_key") {
		return nil, firstOf(err, Unauthorized("the consumer key is not the request token's"))
	}
	if err := i.admit(ctx, c, p, k, r.Secret); err != nil {
		return nil, err
	}
	a := &AccessToken{ID: NewID(), Secret: NewID(), ConsumerID: k.ID, ExpiresAt: i.db.Now().Add(i.opts.AccessTokenLife)}
	return a, i.db.Tx(ctx, func(ctx context.Context) error { return i.redeemRequest(ctx, r.ID, p.get("oauth_verifier"), a) })
}

func (i *Identity) redeemRequest(ctx context.Context, id, verifier string, a *AccessToken) error {
	r, err := i.requestToken(ctx, id)
	if err != nil {
		return err
	}
	if r.UserID == "" || r.Verifier == "" || !same(verifier, r.Verifier) {
		return Unauthorized("the verifier is not the request token's, or nobody authorized it")
	}
	a.UserID, a.ProjectID, a.RoleIDs = r.UserID, r.ProjectID, r.RoleIDs
	if _, err := i.store.Delete(ctx, (*RequestToken)(nil), Match{"id": r.ID}); err != nil {
		return err
	}
	return i.store.Insert(ctx, a)
}
