package token

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
)

// desk knows "user" for good, "ended" only late, and services.
type desk struct{}

func (desk) Check(_ context.Context, t string) (*Who, error) {
	switch t {
	case "user", "other":
		return &Who{User: Ref{ID: t}, Roles: []Ref{{Name: "member"}}}, nil
	case "nova":
		return &Who{User: Ref{ID: t}, Roles: []Ref{{Name: "service"}}}, nil
	case "limited":
		return &Who{User: Ref{ID: t}, Roles: []Ref{{Name: "service"}}, Only: []AccessRule{}}, nil
	}
	return nil, errors.New("no")
}

func (d desk) CheckLate(ctx context.Context, t string) (*Who, error) {
	if t == "ended" {
		return &Who{User: Ref{ID: t}}, nil
	}
	return d.Check(ctx, t)
}

type early struct{ desk }

func (early) CheckLate() {}

func TestAServiceMayFinishWhatItsUserBegan(t *testing.T) {
	for _, c := range []struct{ user, service, want string }{
		{"user", "", "user"}, {"ended", "", ""}, {"ended", "nova", "ended"}, {"user", "nova", "user"}, {"nobody", "nova", ""},
		{"ended", "other", ""}, {"ended", "limited", ""}, {"user", "other", "user"}, {"user", "nobody", ""}, {"", "nova", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Auth-Token", c.user)
		r.Header.Set("X-Service-Token", c.service)
		w, err := Caller(r, desk{})
		if got := ""; err == nil {
			if got = w.User.ID; got != c.want {
				t.Errorf("%v: %s", c, got)
			}
		} else if c.want != "" {
			t.Errorf("%v: %v", c, err)
		}
		if _, err := Caller(r, early{}); (err == nil) != (c.user == "user") {
			t.Errorf("where ended tokens are not known, %v: %v", c, err)
		}
	}
}
