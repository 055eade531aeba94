package keystone

import (
	"cmp"
	"context"
	"slices"

	"stackd/internal/fault"
)

func (i *Identity) prove(ctx context.Context, p Proof) (*proven, error) {
	ms := p.Methods
	var out *proven
	if i.opts.External != "" && p.Certificate != nil && !slices.Contains(ms, "external") {
		var err error
		if out, err = i.proveExternal(ctx, p); err != nil && !fault.Is(err, fault.Unauthorized) {
			return nil, err
		}
	}
	if len(ms) == 0 && out == nil {
		return nil, Unauthorized("no method")
	}
	for _, m := range unique(ms) {
		next, err := i.proveBy(ctx, m, p)
		if err != nil {
			return nil, err
		}
		if out != nil && out.user.ID != next.user.ID {
			return nil, Unauthorized("the methods prove different users")
		}
		if out != nil {
			next.join(out)
		}
		out = next
	}
	return out, nil
}

// join adds what was proven before of the same user: all that limits a token counts.
func (p *proven) join(before *proven) {
	p.methods = append(before.methods, p.methods...)
	p.parent, p.appCred = cmp.Or(p.parent, before.parent), cmp.Or(p.appCred, before.appCred)
	p.access = cmp.Or(p.access, before.access)
}

func (i *Identity) proveBy(ctx context.Context, method string, p Proof) (*proven, error) {
	switch method {
	case "password":
		return i.proveByPassword(ctx, p)
	case "totp":
		return i.proveByTOTP(ctx, p)
	case "token", "mapped", "saml2", "openid": // the last three as another word for the first
		return i.proveByToken(ctx, p)
	case "application_credential":
		return i.proveByAppCred(ctx, p)
	case "external":
		return i.proveExternal(ctx, p)
	case "oauth1":
		return i.proveByOAuth(ctx, p.OAuth)
	}
	return nil, Unauthorized("method " + method + " is not offered")
}

func (i *Identity) proveByPassword(ctx context.Context, p Proof) (*proven, error) {
	u, err := i.findUser(ctx, p.User)
	if err != nil {
		return nil, err
	}
	ok, err := i.knows(ctx, u, p.Password)
	if err != nil {
		return nil, err
	}
	if !ok || !u.Enabled {
		return nil, Unauthorized("wrong user or password")
	}
	if i.expired(u) {
		return nil, fault.New(fault.Unauthorized, "The password is expired and needs to be changed for user: %s.", u.ID)
	}
	return &proven{user: u, methods: []string{"password"}}, nil
}

// findUser is nil when there is no such user.
func (i *Identity) findUser(ctx context.Context, n Named) (u *User, err error) {
	defer func() { i.noteUser(ctx, u) }()
	if n.ID != "" {
		return i.userRow(ctx, n.ID)
	}
	domain, err := i.findDomain(ctx, Named{ID: n.DomainID, Name: n.DomainName})
	if err != nil || domain == "" {
		return nil, err
	}
	if d, err := i.directory(ctx, domain); err != nil || d != nil {
		if err != nil {
			return nil, err
		}
		return i.userInDirectory(ctx, d, n.Name)
	}
	return one[User](ctx, i.store, Match{"domain_id": domain, "name": n.Name})
}

// findDomain is the id of a domain, "" when there is none.
func (i *Identity) findDomain(ctx context.Context, n Named) (string, error) {
	m := Match{"name": n.Name, "domain_id": "", "is_domain": true}
	if n.ID != "" {
		m = Match{"id": n.ID, "is_domain": true}
	} else if n.Name == "" {
		return "", nil
	}
	d, err := one[Project](ctx, i.store, m)
	if err != nil || d == nil {
		return "", err
	}
	return d.ID, nil
}

func (i *Identity) proveByToken(ctx context.Context, p Proof) (*proven, error) {
	s, err := i.Session(ctx, p.Token, false)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil, Unauthorized(err.Error())
		}
		return nil, err
	}
	if s.Who.Delegated() || ByKey(s.Who) {
		return nil, forbidden("A delegated token cannot be exchanged for another.")
	}
	if err := i.mayRescope(ctx, s); err != nil {
		return nil, err
	}
	u, err := i.User(ctx, s.Who.User.ID)
	if err != nil {
		return nil, err
	}
	methods := slices.Clone(s.Who.Methods)
	if !slices.Contains(methods, "token") {
		methods = append(methods, "token")
	}
	return &proven{user: u, methods: methods, parent: s}, nil
}
