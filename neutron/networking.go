package neutron

import (
	"context"
	"math/rand/v2"
	"sync"

	"stackd/internal/token"

	"github.com/google/uuid"
)

// Config is how this cloud's networks are made.
type Config struct {
	Physnets   []string          // physical networks that nodes map to bridges
	Mappings   map[string]string // physical network → bridge, for the agents list
	TenantType string            // of a network when nothing is said: geneve, vxlan or vlan
	VLANs      map[string][2]int // physical network → range for tenants' networks
	VNIs       [2]int            // range for overlays
	MTU        int               // of the wire below
	Quota      map[string]int    // defaults; DefaultQuota where missing
	DNSDomain  string            // of ports, "openstacklocal." by default
}

// DefaultConfig is a try-out machine's.
func DefaultConfig() Config {
	return Config{
		Physnets: []string{"physnet1"}, Mappings: map[string]string{"physnet1": "br-ex"}, TenantType: Geneve,
		VLANs: map[string][2]int{"physnet1": {1000, 2999}}, VNIs: [2]int{1, 65535}, MTU: 1500, DNSDomain: "openstacklocal.",
	}
}

// Networking is the verbs: what may be done with networks and all that is on them.
// Callers are known by the context (token.From); without one everything is seen.
// The policy is asked by whoever calls.
type Networking struct {
	Config
	store Store

	mu   sync.Mutex
	rand *rand.Rand

	fabric   Fabric
	onPortUp []func(portID string, up bool)
	onHost   []func(host string)
}

// New makes the verbs over a store. Until Carry is called no packets flow.
func New(s Store, c Config) *Networking {
	return &Networking{Config: c, store: s, fabric: nowhere{}, rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
}

type nowhere struct{}

func (nowhere) Changed(...string) {}

// Carry says who carries the packets. Call it before the first verb.
func (n *Networking) Carry(f Fabric) { n.fabric = f }

// OnPortUp registers who wants to know when a port comes up or goes down. Call it
// before the first verb.
func (n *Networking) OnPortUp(f func(portID string, up bool)) { n.onPortUp = append(n.onPortUp, f) }

// OnHost registers who wants to know when a port on a host has changed otherwise: its
// addresses, its name. Call it before the first verb.
func (n *Networking) OnHost(f func(host string)) { n.onHost = append(n.onHost, f) }

// random is the source of chance, for one user at a time.
func (n *Networking) random(f func(*rand.Rand)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(n.rand)
}

func (n *Networking) changed(ctx context.Context, keys ...string) {
	n.store.After(ctx, func() { n.fabric.Changed(keys...) })
}

// asker completes a query with who asks.
func asker(ctx context.Context, q Query) Query {
	w := token.From(ctx)
	if w == nil {
		q.All = true
		return q
	}
	q.Project = w.Project.ID
	q.All = q.All || w.Admin() || w.Has("service")
	return q
}

// mine tells whether the caller may use a thing of this project as an owner does.
func mine(ctx context.Context, project string) bool {
	w := token.From(ctx)
	return w == nil || w.Admin() || w.Has("service") || w.Project.ID == project
}

// see finds one thing that the caller may see.
func see[T any](ctx context.Context, t Table[T], kind, id string) (*T, error) {
	return only(ctx, t, asker(ctx, Query{}).And("id", id), kind, id)
}

// get finds one thing, whoever asks.
func get[T any](ctx context.Context, t Table[T], kind, id string) (*T, error) {
	return only(ctx, t, Every("id", id), kind, id)
}

func only[T any](ctx context.Context, t Table[T], q Query, kind, id string) (*T, error) {
	rows, err := t.List(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, missing(kind, id)
	}
	return &rows[0], nil
}

// base makes what every new thing starts with.
func (n *Networking) base(c Common, revision int64) Base {
	now := n.store.Now()
	b := Base{ID: uuid.NewString(), ProjectID: c.ProjectID, Revision: revision, CreatedAt: now, UpdatedAt: now}
	c.apply(&b)
	return b
}

// Tx runs f in one transaction, for callers who make several verbs one.
func (n *Networking) Tx(ctx context.Context, f func(context.Context) error) error {
	return n.store.Tx(ctx, f)
}
