package keystone

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"
)

func noAccessToken() error { return fault.New(fault.NotFound, "Access token not found") }

// AccessToken is one of a user's access tokens.
func (i *Identity) AccessToken(ctx context.Context, user, id string) (*AccessToken, error) {
	a, err := one[AccessToken](ctx, i.store, Match{"id": id, "user_id": user})
	if err == nil && a == nil {
		return nil, noAccessToken()
	}
	return a, err
}

// AccessTokens is one page of a user's access tokens; a delegated caller sees none.
func (i *Identity) AccessTokens(ctx context.Context, who *token.Who, l listing.List) (listing.Page[*AccessToken], error) {
	if err := undelegated(who); err != nil {
		return listing.Page[*AccessToken]{}, err
	}
	return pageOf[AccessToken](ctx, i.store, l)
}

// ShowAccessToken is AccessToken for a caller who acts with all rights.
func (i *Identity) ShowAccessToken(ctx context.Context, who *token.Who, user, id string) (*AccessToken, error) {
	if err := undelegated(who); err != nil {
		return nil, err
	}
	return i.AccessToken(ctx, user, id)
}

// DeleteAccessToken takes one away; tokens made with it are dead.
func (i *Identity) DeleteAccessToken(ctx context.Context, who *token.Who, user, id string) error {
	if err := undelegated(who); err != nil {
		return err
	}
	return i.drop(ctx, func(ctx context.Context) error {
		a, err := one[AccessToken](ctx, i.store, Match{"id": id})
		if err != nil || a == nil {
			return firstOf(err, noAccessToken())
		}
		if a.UserID != user {
			return Unauthorized("the access token is another's")
		}
		_, err = i.store.Delete(ctx, (*AccessToken)(nil), Match{"id": id})
		return err
	})
}

// AccessTokenRoles are the roles that were given to an access token.
func (i *Identity) AccessTokenRoles(ctx context.Context, user, id string) ([]*Role, error) {
	a, err := i.AccessToken(ctx, user, id)
	if err != nil {
		return nil, err
	}
	return all[Role](ctx, i.store, Match{"id": a.RoleIDs}, "name")
}

// proveByOAuth: what is wrong with the signature is not told, but for what is missing.
func (i *Identity) proveByOAuth(ctx context.Context, c OAuthCall) (*proven, error) {
	p, err := c.params()
	if err != nil {
		return nil, err
	}
	if p.get("oauth_token") == "" {
		return nil, expects("oauth_token")
	}
	a, err := one[AccessToken](ctx, i.store, Match{"id": p.get("oauth_token")})
	if err != nil || a == nil || i.db.Now().After(a.ExpiresAt) {
		return nil, firstOf(err, Unauthorized("the access token is unknown or expired"))
	}
	k, err := one[Consumer](ctx, i.store, Match{"id": a.ConsumerID})
	if err != nil || k == nil || k.ID != p.get("oauth_consumer_key") {
		return nil, firstOf(err, Unauthorized("the consumer key is not the access token's"))
	}
	if err := i.admit(ctx, c, p, k, a.Secret); fault.Is(err, fault.Invalid) {
		return nil, Unauthorized(err.Error())
	} else if err != nil {
		return nil, err
	}
	u, err := i.userRow(ctx, a.UserID)
	if err != nil || u == nil || !u.Enabled {
		return nil, firstOf(err, Unauthorized("its user is gone or disabled"))
	}
	return &proven{user: u, methods: []string{"oauth1"}, access: a}, nil
}

// claimAccess: the scope is the access token's project, whatever is wished for must be it.
func (i *Identity) claimAccess(c *claims, a *AccessToken, w ScopeWish) error {
	if w.Project != nil && w.Project.ID != a.ProjectID || w.Domain != nil || w.System || w.TrustID != "" {
		return Unauthorized("an access token is for its own project")
	}
	c.Scope, c.ScopeID, c.AccessToken = "project", pack(a.ProjectID), pack(a.ID)
	c.ExpiresAt = min(c.ExpiresAt, a.ExpiresAt.Unix())
	return nil
}

// withAccess limits a session to its access token.
func (i *Identity) withAccess(ctx context.Context, s *Session) ([]string, error) {
	a, err := one[AccessToken](ctx, i.store, Match{"id": s.Who.AccessTokenID, "user_id": s.Who.User.ID, "project_id": s.Who.Project.ID})
	if err != nil || a == nil {
		return nil, firstOf(err, dead("its access token is gone"))
	}
	s.Access = a
	return append([]string{}, a.RoleIDs...), nil
}
