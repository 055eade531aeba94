package neutron

import (
	"context"

	"github.com/google/uuid"
)

// Agents are the nodes' parts in the networks.
func (n *Networking) Agents(ctx context.Context, q Query) ([]Agent, error) {
	return n.store.Agents().List(ctx, asker(ctx, q))
}

// Agent is one of them.
func (n *Networking) Agent(ctx context.Context, id string) (*Agent, error) {
	return see(ctx, n.store.Agents(), "agent", id)
}

// RecordAgent writes down a node's report. Type and host say which agent it is.
func (n *Networking) RecordAgent(ctx context.Context, a Agent) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		now := n.store.Now()
		have, err := n.store.Agents().List(ctx, Every("host", a.Host).And("agent_type", a.Type))
		if err != nil {
			return err
		}
		if len(have) == 0 {
			a.ID, a.CreatedAt, a.HeartbeatAt, a.AdminStateUp = uuid.NewString(), now, now, true
			if a.StartedAt.IsZero() {
				a.StartedAt = now
			}
			return n.store.Agents().Insert(ctx, &a)
		}
		old := have[0]
		old.HeartbeatAt, old.Config, old.Binary = now, a.Config, a.Binary
		if !a.StartedAt.IsZero() {
			old.StartedAt = a.StartedAt
		}
		return n.store.Agents().Save(ctx, &old)
	})
}

// BeatAgents says that all agents of hosts were heard now. It returns how many there are.
func (n *Networking) BeatAgents(ctx context.Context, hosts []string) (agents int, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		agents, err = n.store.BeatAgents(ctx, hosts)
		return err
	})
	return agents, err
}

// UpdateAgent changes what an operator may say of an agent.
func (n *Networking) UpdateAgent(ctx context.Context, id string, up Maybe[bool], description Maybe[string]) (out *Agent, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		a, err := get(ctx, n.store.Agents(), "agent", id)
		if err != nil {
			return err
		}
		up.To(&a.AdminStateUp)
		description.To(&a.Description)
		out = a
		return n.store.Agents().Save(ctx, a)
	})
	return out, err
}

// DeleteAgent forgets an agent; it comes back with its next report.
func (n *Networking) DeleteAgent(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		if _, err := get(ctx, n.store.Agents(), "agent", id); err != nil {
			return err
		}
		return n.store.Agents().Delete(ctx, id)
	})
}

// Zones are the availability zones that there are: one, for routers and networks.
func (n *Networking) Zones() []string { return []string{"nova"} }
