package nova

import (
	"context"
	"time"

	"stackd/agent/wish"
	"stackd/internal/listing"
)

// ServerQuery is which servers to list.
type ServerQuery struct {
	listing.List
	ProjectID     string // "" is all
	ChangesSince  time.Time
	ChangesBefore time.Time
	Deleted       bool
	IDs           []string // nil is all
	States        []string // vm_states
	Tags, AnyTags []string
	NotTags       []string
	NotAnyTags    []string
	NameRegex     string
}

// Store keeps compute's rows. Finders return fault NotFound with nova's words
// where the name says one thing, and nothing where it says many.
type Store interface {
	// Tx runs f in one transaction; see sqldb.
	Tx(ctx context.Context, f func(context.Context) error) error
	// After runs f once the transaction in ctx has been committed.
	After(ctx context.Context, f func())
	Now() time.Time

	// Unclaim makes due what earlier processes of this control plane had claimed.
	Unclaim(ctx context.Context) error

	InsertServer(ctx context.Context, s *Server) error
	Server(ctx context.Context, id string) (*Server, error) // deleted ones too
	UpdateServer(ctx context.Context, s *Server, columns ...string) error
	Servers(ctx context.Context, q ServerQuery) ([]*Server, error)
	ServersOn(ctx context.Context, host string) ([]*Server, error)
	// SightsOn is ServersOn with no more than id, Plugged and what was seen of each; with
	// ids, of these alone.
	SightsOn(ctx context.Context, host string, ids ...string) ([]*Server, error)
	DueServers(ctx context.Context, limit int) ([]string, error)
	ClaimServer(ctx context.Context, id string, lease time.Duration) (*Server, error) // nil when not due
	Usage(ctx context.Context, projectID string) (Usage, error)
	PurgeServers(ctx context.Context, before time.Time) error

	InsertCapture(ctx context.Context, k *Capture) error
	DeleteCapture(ctx context.Context, image string) error
	DueCaptures(ctx context.Context, limit int) ([]string, error)
	ClaimCapture(ctx context.Context, image string, lease time.Duration) (*Capture, error) // nil when not due
	RenewCapture(ctx context.Context, image string, lease time.Duration) error             // due again after it
	RetryCapture(ctx context.Context, image string, after time.Duration) error

	InsertSwap(ctx context.Context, w *Swap) error
	UpdateSwap(ctx context.Context, w *Swap) error
	DeleteSwap(ctx context.Context, id string) error
	// Swaps are those of servers, by the hold that is to be another.
	Swaps(ctx context.Context, servers ...string) (map[string]*Swap, error)

	// InsertMigration gives the migration its number.
	InsertMigration(ctx context.Context, m *Migration) error
	UpdateMigration(ctx context.Context, m *Migration) error
	Migration(ctx context.Context, id int64) (*Migration, error)
	Migrations(ctx context.Context, q MigrationQuery) ([]*Migration, error)
	// MigrationsAside are those under way that may have something on a host which the
	// server's row does not name.
	MigrationsAside(ctx context.Context, host string) ([]*Migration, error)

	InsertFlavor(ctx context.Context, f *Flavor) error
	Flavor(ctx context.Context, id string) (*Flavor, error)
	Flavors(ctx context.Context, l listing.List, q FlavorQuery) ([]*Flavor, error)
	UpdateFlavor(ctx context.Context, f *Flavor) error
	DeleteFlavor(ctx context.Context, id string) error
	FlavorAccess(ctx context.Context, id string) ([]FlavorAccess, error)
	AddFlavorAccess(ctx context.Context, a FlavorAccess) error
	RemoveFlavorAccess(ctx context.Context, a FlavorAccess) error

	InsertKeypair(ctx context.Context, k *Keypair) error
	Keypair(ctx context.Context, userID, name string) (*Keypair, error)
	Keypairs(ctx context.Context, userID string, l listing.List) ([]*Keypair, error)
	DeleteKeypair(ctx context.Context, userID, name string) error

	Hosts(ctx context.Context) ([]*Host, error)
	Host(ctx context.Context, name string) (*Host, error)
	// HostsNamed are those of the names that there are.
	HostsNamed(ctx context.Context, names ...string) ([]*Host, error)
	SaveHost(ctx context.Context, h *Host) error
	// BeatHosts says that hosts were heard now, and of how many there is a row.
	BeatHosts(ctx context.Context, heard map[string]wish.Node) (int, error)
	DeleteHost(ctx context.Context, name string) error

	InsertAggregate(ctx context.Context, a *Aggregate) error
	Aggregates(ctx context.Context) ([]*Aggregate, error)
	Aggregate(ctx context.Context, id int64) (*Aggregate, error)
	UpdateAggregate(ctx context.Context, a *Aggregate) error
	DeleteAggregate(ctx context.Context, id int64) error

	InsertGroup(ctx context.Context, g *ServerGroup) error
	Group(ctx context.Context, id string) (*ServerGroup, error)
	Groups(ctx context.Context, projectID string, l listing.List) ([]*ServerGroup, error)
	DeleteGroup(ctx context.Context, id string) error
	JoinGroup(ctx context.Context, m GroupMember) error
	LeaveGroup(ctx context.Context, serverID string) error
	GroupsOf(ctx context.Context, serverIDs ...string) (map[string]string, error)

	InsertAction(ctx context.Context, a *ServerAction) error
	FinishAction(ctx context.Context, id, result, details string) error
	Actions(ctx context.Context, serverID string, l listing.List) ([]*ServerAction, error)
	Action(ctx context.Context, serverID, requestID string) (*ServerAction, error)

	Quotas(ctx context.Context, projectID string) (map[string]int, error)
	SetQuota(ctx context.Context, q ComputeQuota) error
	DeleteQuotas(ctx context.Context, projectID string) error

	InsertConsole(ctx context.Context, c *ConsoleToken) error
	Console(ctx context.Context, token string) (*ConsoleToken, error)
}

// FlavorQuery is which flavors to list.
type FlavorQuery struct {
	ProjectID string // sees public ones and those it has access to
	Public    *bool  // nil is both
	MinDisk   int
	MinRAM    int
}
