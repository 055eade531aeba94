package api

import (
	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/internal/token"
	"stackd/keystone"
)

// tokenless is who calls with a certificate instead of a token.
func tokenless(id *keystone.Identity) func(*rest.Call) (*token.Who, error) {
	return func(c *rest.Call) (*token.Who, error) {
		return id.ByCertificate(c.Context(), token.Certificate(c.Request), func() (keystone.ScopeWish, error) { return headerScope(c) })
	}
}

// headerScope is the scope that the headers wish for: these may choose among what the
// caller has, and give nothing.
func headerScope(c *rest.Call) (w keystone.ScopeWish, err error) {
	h := c.Header.Get
	project := keystone.Named{ID: h("X-Project-Id"), Name: h("X-Project-Name"), DomainID: h("X-Project-Domain-Id"), DomainName: h("X-Project-Domain-Name")}
	domain := keystone.Named{ID: h("X-Domain-Id"), Name: h("X-Domain-Name")}
	switch {
	case project.ID != "":
		w.Project = &keystone.Named{ID: project.ID}
	case project.Name != "" && project.DomainID == "" && project.DomainName == "":
		err = fault.New(fault.Invalid, "Neither Project Domain ID nor Project Domain Name was provided.")
	case project.Name != "":
		w.Project = &project
	case domain.ID != "" || domain.Name != "":
		w.Domain = &domain
	default:
		err = expecting("project or domain", "scope")
	}
	return w, err
}
