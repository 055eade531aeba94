package horizon

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// An answer is what a service said.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// a recorder keeps a service's answer.
type recorder struct {
	answer
	buf bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.answer.Header }
func (r *recorder) WriteHeader(s int) {
	if r.Status == 0 {
		r.Status = s
	}
}
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.buf.Write(b)
}

// ask calls the identity service as any client does, without leaving the process.
func (d *Dashboard) ask(ctx context.Context, from *http.Request, method, path string, header map[string]string, in any) answer {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			panic(err) // maps and texts
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+Root+path, &body)
	if err != nil {
		panic(err) // the paths are ours
	}
	r.URL = &url.URL{Path: path}
	r.RequestURI, r.Host, r.RemoteAddr, r.TLS = path, from.Host, from.RemoteAddr, from.TLS
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", from.UserAgent())
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := &recorder{answer: answer{Header: http.Header{}}}
	d.cfg.Services["identity"].ServeHTTP(w, r)
	w.Body = w.buf.Bytes()
	return w.answer
}

// said is the text of a service's error.
func (a answer) said() string {
	var out struct{ Error struct{ Message string } }
	json.Unmarshal(a.Body, &out)
	return out.Error.Message
}

// An issued token, as far as the dashboard looks at it.
type issued struct {
	ID      string
	Expires time.Time
	Scoped  bool
}

// token is the token that the answer holds.
func (a answer) token() issued {
	var out struct {
		Token struct {
			ExpiresAt       time.Time `json:"expires_at"`
			Project, Domain struct{ ID string }
			System          struct{ All bool }
		}
	}
	json.Unmarshal(a.Body, &out)
	t := out.Token
	return issued{a.Header.Get("X-Subject-Token"), t.ExpiresAt, t.Project.ID != "" || t.Domain.ID != "" || t.System.All}
}

type object = map[string]any

// signIn asks for a token with password, one-time code or both.
func (d *Dashboard) signIn(r *http.Request, c credentials) answer {
	user := object{"name": c.User, "domain": object{"name": c.Domain}}
	how, header := object{}, map[string]string{}
	var methods []string
	if c.Receipt != "" {
		header["Openstack-Auth-Receipt"] = c.Receipt
	} else {
		methods, how["password"] = append(methods, "password"), object{"user": with(user, "password", c.Password)}
	}
	if c.Passcode != "" {
		methods, how["totp"] = append(methods, "totp"), object{"user": with(user, "passcode", c.Passcode)}
	}
	how["methods"] = methods
	return d.ask(r.Context(), r, "POST", "/v3/auth/tokens", header, object{"auth": object{"identity": how}})
}

func with(o object, key, value string) object {
	out := object{key: value}
	for k, v := range o {
		out[k] = v
	}
	return out
}

// rescope exchanges a token for one of another scope.
func (d *Dashboard) rescope(r *http.Request, token string, scope any) answer {
	return d.ask(r.Context(), r, "POST", "/v3/auth/tokens", nil, object{"auth": object{
		"identity": object{"methods": []string{"token"}, "token": object{"id": token}}, "scope": scope}})
}

// revoke ends a token.
func (d *Dashboard) revoke(r *http.Request, token string) {
	d.ask(r.Context(), r, "DELETE", "/v3/auth/tokens", map[string]string{"X-Auth-Token": token, "X-Subject-Token": token}, nil)
}

// settle gives a token without a scope the first project, domain or the system that
// its bearer may enter: where the browser was last, if that is among them.
func (d *Dashboard) settle(r *http.Request, t issued, last string) (issued, bool) {
	if t.Scoped {
		return t, true
	}
	for _, scope := range d.scopes(r, t.ID, last) {
		if a := d.rescope(r, t.ID, scope); a.Status == http.StatusCreated {
			d.revoke(r, t.ID)
			return a.token(), true
		}
	}
	return t, false
}

func (d *Dashboard) scopes(r *http.Request, token, last string) (out []object) {
	header := map[string]string{"X-Auth-Token": token}
	for _, kind := range []string{"project", "domain"} {
		var list map[string]json.RawMessage
		var things []struct {
			ID      string
			Enabled bool
		}
		a := d.ask(r.Context(), r, "GET", "/v3/auth/"+kind+"s", header, nil)
		if json.Unmarshal(a.Body, &list) != nil || json.Unmarshal(list[kind+"s"], &things) != nil {
			continue
		}
		for _, p := range things {
			scope := object{kind: object{"id": p.ID}}
			if p.ID == last {
				out = append([]object{scope}, out...)
			} else if p.Enabled {
				out = append(out, scope)
			}
		}
	}
	if a := d.ask(r.Context(), r, "GET", "/v3/auth/system", header, nil); strings.Contains(string(a.Body), `"all"`) {
		out = append(out, object{"system": object{"all": true}})
	}
	return out
}
