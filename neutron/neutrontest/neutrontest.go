package neutrontest

import (
	"context"
	"net/netip"
	"sync"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"
	"stackd/neutron"
	"stackd/neutron/store"
)

// New is a networking on a database of the test's own, and the fabric under it.
func New(t testing.TB) (*neutron.Networking, *Fabric) { return On(t, dbtest.New(t)) }

// On is New on a given database.
func On(t testing.TB, db *sqldb.DB) (*neutron.Networking, *Fabric) {
	t.Helper()
	s, err := store.Open(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	n, f := neutron.New(s, neutron.DefaultConfig()), &Fabric{}
	n.Carry(f)
	return n, f
}

// Fabric remembers what it was told.
type Fabric struct {
	mu   sync.Mutex
	keys []string
}

// Changed is neutron.Fabric's.
func (f *Fabric) Changed(keys ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, keys...)
}

// Told is all keys since the last call.
func (f *Fabric) Told() map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]bool{}
	for _, k := range f.keys {
		out[k] = true
	}
	f.keys = nil
	return out
}

// As is a context whose caller has these roles in a project; admin, manager and
// member imply the lesser ones.
func As(ctx context.Context, project, role string) context.Context {
	return token.With(ctx, Who(project, role))
}

// Who is such a caller.
func Who(project, role string) *token.Who {
	w := &token.Who{User: token.Ref{ID: "user-" + project}, Project: token.Ref{ID: project, Name: project}}
	order := []string{"admin", "manager", "member", "reader"}
	for i, r := range order {
		if r == role {
			for _, r := range order[i:] {
				w.Roles = append(w.Roles, token.Ref{ID: r, Name: r})
			}
		}
	}
	if w.Roles == nil {
		w.Roles = []token.Ref{{ID: role, Name: role}}
	}
	return w
}

// Network makes a network with one subnet, for tests that need one.
func Network(t testing.TB, ctx context.Context, n *neutron.Networking, project, cidr string) (*neutron.Network, *neutron.Subnet) {
	t.Helper()
	net, err := n.CreateNetwork(ctx, neutron.NetworkSpec{Common: neutron.Common{ProjectID: project, Name: neutron.Some("net")}})
	if err != nil {
		t.Fatal(err)
	}
	version := 4
	if netip.MustParsePrefix(cidr).Addr().Is6() {
		version = 6
	}
	sub, err := n.CreateSubnet(ctx, neutron.SubnetSpec{Common: neutron.Common{ProjectID: project, Name: neutron.Some("sub")}, NetworkID: net.ID, IPVersion: version, CIDR: neutron.Some(cidr)})
	if err != nil {
		t.Fatal(err)
	}
	return net, sub
}

// Outside makes an external network with one subnet.
func Outside(t testing.TB, ctx context.Context, n *neutron.Networking, cidr string) (*neutron.Network, *neutron.Subnet) {
	t.Helper()
	net, err := n.CreateNetwork(ctx, neutron.NetworkSpec{Common: neutron.Common{ProjectID: "operator", Name: neutron.Some("public")}, External: neutron.Some(true),
		Provider: neutron.Provider{Type: neutron.Some("flat"), Physical: neutron.Some("physnet1")}})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := n.CreateSubnet(ctx, neutron.SubnetSpec{Common: neutron.Common{ProjectID: "operator"}, NetworkID: net.ID, IPVersion: 4, CIDR: neutron.Some(cidr), EnableDHCP: neutron.Some(false)})
	if err != nil {
		t.Fatal(err)
	}
	return net, sub
}
