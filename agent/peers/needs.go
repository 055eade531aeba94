package peers

import (
	"context"
	"time"
)

// A Member is one server of a clustered database.
type Member struct {
	Database string // OVN_Northbound, OVN_Southbound
	Address  string // where the others find it: ssl:192.0.2.1:6643
	Server   string // its id; one that has lost its disk comes back with another
}

// Store keeps the rows.
type Store interface {
	// Lease gives a name to a holder for so long, by the database's clock, and says
	// whether it has it: a name that another holds is not given.
	Lease(ctx context.Context, name, holder string, life time.Duration) (bool, error)
	// Release gives a name back, if the holder has it.
	Release(ctx context.Context, name, holder string) error

	// Found makes a member the first one of its database's cluster, if there is none
	// yet. It answers who is.
	Found(ctx context.Context, m Member) (Member, error)
	// Founder is the first member of a database's cluster; its fields are empty when
	// there is no cluster yet.
	Founder(ctx context.Context, database string) (Member, error)
	// Put says which server is the member at an address now.
	Put(ctx context.Context, m Member) error
	Members(ctx context.Context, database string) ([]Member, error)
}
