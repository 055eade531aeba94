package cloud

import (
	"context"
	"slices"

	cinderstore "stackd/cinder/store"
	glancestore "stackd/glance/store"
	"stackd/internal/events"
	keystonestore "stackd/keystone/store"
	neutronstore "stackd/neutron/store"
	novastore "stackd/nova/store"
)

// events lets tenants follow what changes; all services' tables must be there.
func (c *Cloud) events(ctx context.Context, cfg Config) error {
	all := slices.Concat(keystonestore.Watched, glancestore.Watched, neutronstore.Watched, cinderstore.Watched, novastore.Watched)
	if err := events.Install(ctx, c.DB, all...); err != nil {
		return err
	}
	c.Events = events.NewHub(c.DB)
	c.Handlers["events"] = c.Events.Handler(c.Identity, cfg.Address(5000))
	c.loops = append(c.loops, c.Events.Run)
	return nil
}
