package api

import (
	"encoding/json"

	"stackd/internal/fault"
	"stackd/keystone"
)

// authIn is the body of a sign-in.
type authIn struct {
	Auth struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password *struct {
				User *userIn `json:"user"`
			} `json:"password"`
			TOTP *struct {
				User *userIn `json:"user"`
			} `json:"totp"`
			Token *struct {
				ID string `json:"id"`
			} `json:"token"`
			OAuth1   *struct{} `json:"oauth1"`
			Mapped   *mappedIn `json:"mapped"`
			SAML2    *mappedIn `json:"saml2"`
			OpenID   *mappedIn `json:"openid"`
			External *struct{} `json:"external"`
			AppCred  *struct {
				ID     string  `json:"id"`
				Name   string  `json:"name"`
				Secret *string `json:"secret"`
				User   *userIn `json:"user"`
			} `json:"application_credential"`
		} `json:"identity"`
		Scope json.RawMessage `json:"scope"`
	} `json:"auth"`
}

type domainIn struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type userIn struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Domain   *domainIn `json:"domain"`
	Password *string   `json:"password"`
	Passcode *string   `json:"passcode"`
}

// named is who or what is meant; a name needs a domain.
func named(id, name string, d *domainIn, what string) (keystone.Named, error) {
	n := keystone.Named{ID: id, Name: name}
	if id != "" {
		return n, nil
	}
	if name == "" {
		return n, expecting("id or name", what)
	}
	if d == nil || d.ID == "" && d.Name == "" {
		return n, expecting("domain", what)
	}
	n.DomainID, n.DomainName = d.ID, d.Name
	return n, nil
}

func (in *authIn) proof() (keystone.Proof, error) {
	id := in.Auth.Identity
	p := keystone.Proof{Methods: id.Methods}
	for _, m := range id.Methods {
		if err := in.proofBy(m, &p); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (in *authIn) proofBy(method string, p *keystone.Proof) (err error) {
	id := in.Auth.Identity
	switch method {
	case "password":
		if id.Password == nil {
			return expecting("password", "identity")
		}
		u := id.Password.User
		if u == nil {
			return expecting("user", "password")
		}
		if u.Password == nil {
			return expecting("password", "user")
		}
		p.Password = *u.Password
		p.User, err = named(u.ID, u.Name, u.Domain, "user")
	case "totp":
		if id.TOTP == nil {
			return expecting("totp", "identity")
		}
		u := id.TOTP.User
		if u == nil {
			return expecting("user", "totp")
		}
		if u.Passcode == nil {
			return expecting("passcode", "user")
		}
		p.Passcode = *u.Passcode
		p.CodeUser, err = named(u.ID, u.Name, u.Domain, "user")
	case "token":
		if id.Token == nil {
			return expecting("token", "identity")
		}
		p.Token = id.Token.ID
	case "application_credential":
		return in.proofByAppCred(p)
	case "external":
		if id.External == nil {
			return expecting("external", "identity")
		}
	case "oauth1":
		if id.OAuth1 == nil {
			return expecting("oauth1", "identity")
		}
	case "mapped", "saml2", "openid":
		return in.proofByMapped(method, p)
	default:
		return fault.New(fault.Unauthorized, "Attempted to authenticate with an unsupported method.")
	}
	return err
}

func (in *authIn) proofByAppCred(p *keystone.Proof) (err error) {
	a := in.Auth.Identity.AppCred
	if a == nil {
		return expecting("application_credential", "identity")
	}
	if a.Secret == nil {
		return expecting("secret", "application_credential")
	}
	p.AppCred, p.Secret = keystone.Named{ID: a.ID, Name: a.Name}, *a.Secret
	if a.ID != "" {
		return nil
	}
	if a.Name == "" {
		return expecting("id or name", "application_credential")
	}
	if a.User == nil {
		return expecting("user", "application_credential")
	}
	p.User, err = named(a.User.ID, a.User.Name, a.User.Domain, "user")
	return err
}

// wish reads the scope: "unscoped", or an object with exactly one member.
func (in *authIn) wish() (w keystone.ScopeWish, err error) {
	raw := in.Auth.Scope
	if raw == nil || string(raw) == "null" {
		return w, nil
	}
	if string(raw) == `"unscoped"` {
		return keystone.ScopeWish{Unscoped: true}, nil
	}
	var s struct {
		Unscoped *struct{} `json:"unscoped"`
		Project  *struct {
			ID     string    `json:"id"`
			Name   string    `json:"name"`
			Domain *domainIn `json:"domain"`
		} `json:"project"`
		Domain *domainIn `json:"domain"`
		System *struct {
			All bool `json:"all"`
		} `json:"system"`
		Trust *domainIn `json:"OS-TRUST:trust"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return w, malformed().Because(err)
	}
	n := 0
	if s.Unscoped != nil {
		n, w.Unscoped = n+1, true
	}
	if s.System != nil {
		if n, w.System = n+1, s.System.All; !w.System {
			return w, expecting("all", "system")
		}
	}
	if s.Trust != nil {
		n, w.TrustID = n+1, s.Trust.ID
	}
	if s.Domain != nil {
		if n, w.Domain = n+1, (&keystone.Named{ID: s.Domain.ID, Name: s.Domain.Name}); s.Domain.ID == "" && s.Domain.Name == "" {
			return w, expecting("id or name", "domain")
		}
	}
	if s.Project != nil {
		var p keystone.Named
		p, err = named(s.Project.ID, s.Project.Name, s.Project.Domain, "project")
		n, w.Project = n+1, &p
	}
	if err == nil && n != 1 {
		err = expecting("project, domain, OS-TRUST:trust or unscoped", "scope")
	}
	return w, err
}
