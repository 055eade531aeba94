package cloud

import (
	"cmp"
	"net/http"

	"stackd/horizon"
)

// Dashboard is the cloud in a browser, served below horizon.Root.
func (c *Cloud) Dashboard(cfg Config) (http.Handler, error) {
	identity := cfg.Identity.Federation.PublicURL
	if err := cfg.Dashboard.Check(identity); err != nil {
		return nil, err
	}
	return horizon.New(horizon.Config{Key: cfg.Identity.MasterKey, Region: cmp.Or(cfg.Region, "RegionOne"), Services: c.Handlers, Tokens: c.Identity, Console: c.Displays(),
		IdentityURL: identity, Options: cfg.Dashboard}).Handler(), nil
}
