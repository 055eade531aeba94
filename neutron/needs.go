package neutron

import (
	"context"
	"time"

	"stackd/internal/listing"
)

// A Query is what of a table is wanted, and for whom. Where takes the wire's
// filter names.
type Query struct {
	listing.List
	Project string // who asks: says what is Shared
	All     bool   // also what Project may not see
	Bare    bool   // the rows alone, without what belongs to them in other tables
}

// Every is a query for all that match one attribute.
func Every(name string, values ...string) Query {
	return Query{All: true, List: listing.List{Where: map[string][]string{name: values}}}
}

// And narrows a query.
func (q Query) And(name string, values ...string) Query {
	where := map[string][]string{name: values}
	for k, v := range q.Where {
		where[k] = v
	}
	q.Where = where
	return q
}

// Alone asks for the rows without what belongs to them.
func (q Query) Alone() Query {
	q.Bare = true
	return q
}

// A Table keeps the things of one kind, each whole with what belongs to it.
type Table[T any] interface {
	List(context.Context, Query) ([]T, error)
	Count(context.Context, Query) (int, error)
	Insert(context.Context, ...*T) error
	Save(context.Context, *T) error
	Delete(ctx context.Context, ids ...string) error
}

// A Store keeps everything. All but Tx and Now may be used inside Tx only if they
// change something.
type Store interface {
	Tx(context.Context, func(context.Context) error) error
	After(context.Context, func()) // the commit
	Now() time.Time

	Networks() Table[Network]
	Subnets() Table[Subnet]
	Ports() Table[Port]
	Routers() Table[Router]
	FloatingIPs() Table[FloatingIP]
	SecurityGroups() Table[SecurityGroup]
	Rules() Table[Rule]
	Subnetpools() Table[Subnetpool]
	AddressScopes() Table[AddressScope]
	RBAC() Table[RBACPolicy]
	Agents() Table[Agent]
	// BeatAgents says that all agents of hosts were heard now, and how many there are.
	BeatAgents(ctx context.Context, hosts []string) (int, error)

	// Taken are the addresses in use on a subnet; with any given, only of those.
	Taken(ctx context.Context, subnetID string, among ...string) (map[string]bool, error)
	// InUse counts the addresses in use on each subnet of some networks.
	InUse(ctx context.Context, networks ...string) (map[string]int, error)
	// Segments are the ids in use on a wire; with any given, only of those.
	Segments(ctx context.Context, kind, physical string, among ...int) (map[int]bool, error)
	// SetPortStatus changes nothing else; false when it was so already.
	SetPortStatus(ctx context.Context, id, status string) (bool, error)
	// Limits are a project's own quotas by resource; "" is all projects that have any.
	Limits(ctx context.Context, project string) ([]Limit, error)
	SetLimit(context.Context, Limit) error
	ClearLimits(ctx context.Context, project string) error
	// Used counts what a project has of every resource.
	Used(ctx context.Context, project string, resources ...string) (map[string]int, error)
}

// A Fabric carries the packets. Changed says which keys' rows have changed:
// "network/ID", "router/ID", "group/ID". It must not block, and may be lost.
type Fabric interface {
	Changed(keys ...string)
}
