package token

import (
	"context"
	"net/http"
)

// A LateChecker also knows tokens that have ended not long ago.
type LateChecker interface {
	CheckLate(ctx context.Context, token string) (*Who, error)
}

// Caller is the bearer of the token that the request shows (see Shown). When a service
// calls for its user and proves itself by X-Service-Token, a user's token that has
// ended meanwhile will do, so that a long operation can be finished. A service token
// that is not good spoils the call.
func Caller(r *http.Request, c Checker) (*Who, error) {
	late, able := c.(LateChecker)
	s := r.Header.Get("X-Service-Token")
	if s == "" || !able {
		return c.Check(r.Context(), Shown(r))
	}
	service, err := c.Check(r.Context(), s)
	if err != nil {
		return nil, err
	}
	if !service.Has("service") || service.Only != nil || !service.BoundTo(r) {
		return c.Check(r.Context(), Shown(r))
	}
	return late.CheckLate(r.Context(), Shown(r))
}
