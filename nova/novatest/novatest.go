// Package novatest is a compute on a fresh real database, with fakes below it: one
// image, one network, hosts with room, and a node that does what it is told.
package novatest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/token"
	"stackd/nova"
	"stackd/nova/store"
	"stackd/nova/work"
)

// A World is a compute and all that is below it.
type World struct {
	C      *nova.Compute
	Work   *work.Servers
	DB     *sqldb.DB
	Nets   *Nets
	Place  *Place
	Node   *Node
	More   []*Node // see AddNode
	Disks  *Volumes
	Images *Images

	at *places
}

// ImageID is the one image; FlavorID the one flavor.
const (
	ImageID  = "11111111-1111-1111-1111-111111111111"
	FlavorID = "1"
)

// New makes a world with one host "h1" that has reported.
func New(t testing.TB, db *sqldb.DB) *World {
	t.Helper()
	s, err := store.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	w := &World{DB: db, Nets: &Nets{ports: map[string][]nova.NIC{}, Bound: map[string]string{}, Awaited: map[string]string{}}, Place: &Place{free: map[string]int64{}, took: map[string]map[string]int64{}}}
	w.Images = &Images{Made: map[string]nova.ImageSpec{}, Bytes: map[string][]byte{}}
	w.Node = newNode("h1")
	w.at = &places{}
	w.C = nova.New(breaking{s, w.at}, w.Images, w.Nets, w.Place, w.Node)
	w.Disks = newVolumes()
	w.C.Volumes = w.Disks
	w.Work = work.New(w.C)
	w.Node.C, w.Node.peers = w.C, []*Node{w.Node}
	w.Node.Pass(t)
	err = w.C.Tx(t.Context(), func(ctx context.Context) error {
		return w.C.InsertFlavor(ctx, &nova.Flavor{ID: FlavorID, Name: "tiny", VCPUs: 1, RAM: 64, Disk: 1, RxtxFactor: 1, Public: true, ExtraSpecs: map[string]string{}, CreatedAt: w.C.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// AddNode adds a host, as empty as the first.
func (w *World) AddNode(t testing.TB, host string) *Node {
	n := newNode(host)
	n.C = w.C
	w.More = append(w.More, n)
	for _, o := range w.Nodes() {
		o.peers = w.Nodes()
	}
	n.Pass(t)
	return n
}

// Nodes are all hosts.
func (w *World) Nodes() []*Node { return append([]*Node{w.Node}, w.More...) }

// As is a context of a person with roles in a project.
func As(ctx context.Context, project string, roles ...string) context.Context {
	w := &token.Who{User: token.Ref{ID: "u-" + project}, Project: token.Ref{ID: project}}
	for _, r := range roles {
		w.Roles = append(w.Roles, token.Ref{ID: r, Name: r})
	}
	return token.With(ctx, w)
}

// Spec is a create that should do.
func Spec() nova.ServerSpec {
	return nova.ServerSpec{Name: "one", FlavorID: FlavorID, ImageID: ImageID, Min: 1, Max: 1, DiskConfig: "MANUAL", Asked: nova.Asked{Auto: true, SecurityGroups: []string{"default"}}}
}

// Settle passes over servers and node until nothing is due, n times at most.
func (w *World) Settle(t testing.TB, n int) {
	t.Helper()
	for range n {
		for _, o := range w.Nodes() {
			o.Pass(t)
		}
		ids, err := w.Due(t)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			w.Work.Reconcile(t.Context(), id)
		}
	}
}

// Due makes all that waits due now, and reads it.
func (w *World) Due(t testing.TB) ([]string, error) {
	if _, err := w.DB.Raw().Exec("UPDATE servers SET due_at = created_at WHERE due_at IS NOT NULL"); err != nil {
		return nil, err
	}
	return w.C.DueServers(t.Context(), 1000)
}

func (x *Images) Image(_ context.Context, id string) (nova.ImageFacts, error) {
	if m, ok := x.Made[id]; ok {
		return nova.ImageFacts{ID: id, Name: m.Name, Status: "active", Format: m.Format, Properties: m.Properties}, nil
	}
	if id != ImageID {
		return nova.ImageFacts{}, fault.New(fault.NotFound, "no image %s", id)
	}
	return nova.ImageFacts{ID: id, Name: "tiny", Status: "active", Format: "qcow2", Size: 100, Virtual: 1 << 20, SHA512: "00"}, nil
}

// Images is an image service: one image to boot from, and those made of servers.
type Images struct {
	mu    sync.Mutex
	Made  map[string]nova.ImageSpec
	Bytes map[string][]byte // of those that are filled
	Break error             // of the next Fill
	n     int
}

func (x *Images) Create(_ context.Context, w nova.ImageSpec) (string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n++
	id := fmt.Sprintf("image-%d", x.n)
	x.Made[id] = w
	return id, nil
}

func (x *Images) Filled(_ context.Context, id string) (bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, ok := x.Bytes[id]
	return ok, nil
}

func (x *Images) Fill(_ context.Context, id string, body io.Reader) error {
	b, err := io.ReadAll(body)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err == nil {
		err = x.Break
	}
	if err == nil {
		x.Bytes[id] = b
	}
	return err
}

func (x *Images) Backups(_ context.Context, server, kind string) (out []string, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, i := range x.Made {
		if p := i.Properties; p["instance_uuid"] == server && p["image_type"] == "backup" && p["backup_type"] == kind {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out, nil
}

func (x *Images) Drop(_ context.Context, id string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.Made, id)
	delete(x.Bytes, id)
	return nil
}

// Nets is a network service of one network; Break fails the next allocation.
type Nets struct {
	mu    sync.Mutex
	ports map[string][]nova.NIC
	n     int
	Asked int // how often Of was
	Break error
	// Bound and Awaited are where servers' ports are bound and awaited, once that changes.
	Bound, Awaited map[string]string
}

// Count is how many ports there are.
func (x *Nets) Count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.ports)
}

func (x *Nets) Check(context.Context, nova.NICs, int) error { return nil }

func (x *Nets) Allocate(_ context.Context, n nova.NICs) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.Break != nil {
		err := x.Break
		x.Break = nil
		return err
	}
	if n.Auto {
		x.n++
		x.ports[n.ServerID] = []nova.NIC{{PortID: fmt.Sprintf("00000000-0000-0000-0000-%012d", x.n), NetworkID: "net", NetworkName: "net", MAC: "fa:16:3e:00:00:01", Status: "ACTIVE", MTU: 1442,
			Fixed: []nova.FixedIP{{SubnetID: "sub", IP: fmt.Sprintf("10.0.0.%d", x.n), CIDR: "10.0.0.0/24", Gateway: "10.0.0.1", DHCP: true}}, SecurityGroups: []nova.Ref{{ID: "g", Name: "default"}}}}
	}
	return nil
}

func (x *Nets) Bind(_ context.Context, id, host string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Bound[id] = host
	delete(x.Awaited, id)
	return nil
}

func (x *Nets) Await(_ context.Context, id, host string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.Awaited[id] = host; host == "" {
		delete(x.Awaited, id)
	}
	return nil
}

func (x *Nets) Release(_ context.Context, id string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.ports, id)
	return nil
}

func (x *Nets) Of(_ context.Context, ids ...string) (map[string][]nova.NIC, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Asked++
	out := map[string][]nova.NIC{}
	for _, id := range ids {
		out[id] = x.ports[id]
	}
	return out, nil
}

func (x *Nets) Attach(_ context.Context, n nova.NICs) (nova.NIC, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n++
	nic := nova.NIC{PortID: fmt.Sprintf("00000000-0000-0000-0000-%012d", x.n), NetworkID: "net", NetworkName: "net", Status: "ACTIVE"}
	x.ports[n.ServerID] = append(x.ports[n.ServerID], nic)
	return nic, nil
}

func (x *Nets) Detach(_ context.Context, id, port string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ports[id] = slices.DeleteFunc(x.ports[id], func(n nova.NIC) bool { return n.PortID == port })
	return nil
}

func (x *Nets) Metadata(context.Context, []string) ([]wish.Network, error) { return nil, nil }
func (x *Nets) AddGroup(context.Context, string, string, string) error     { return nil }
func (x *Nets) RemoveGroup(context.Context, string, string, string) error  { return nil }
func (x *Nets) WithAddress(_ context.Context, prefix string, _ bool) ([]string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	ids := []string{}
	for id, l := range x.ports {
		for _, n := range l {
			if len(n.Fixed) > 0 && len(prefix) <= len(n.Fixed[0].IP) && n.Fixed[0].IP[:len(prefix)] == prefix {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// Place is placement with so many slots a host.
type Place struct {
	mu    sync.Mutex
	free  map[string]int64
	took  map[string]map[string]int64 // consumer → provider → memory
	Slots int64                       // per host; 0 is 100
}

// Count is how many consumers have something.
func (x *Place) Count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.took)
}

// View is the present, always.
func (x *Place) View(context.Context) (nova.PlacingView, error) { return placeView{x}, nil }

type placeView struct{ x *Place }

func (v placeView) Hosts(d nova.Demand) []string {
	ids, _ := v.x.Hosts(context.Background(), d)
	return ids
}
func (v placeView) Used(provider, class string) int64 {
	used, _ := v.x.Used(context.Background())
	return used[provider][class]
}
func (v placeView) Took(string, map[string]int64) {}

func (x *Place) Hosts(_ context.Context, _ nova.Demand, among ...string) ([]string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []string
	for id, n := range x.free {
		if n > 0 && (len(among) == 0 || slices.Contains(among, id)) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (x *Place) Claim(ctx context.Context, d nova.Demand, provider string) error {
	return x.Spread(ctx, nova.Share{Demand: d, Provider: provider})
}

func (x *Place) Spread(_ context.Context, shares ...nova.Share) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range shares {
		x.give(s.Consumer)
	}
	for _, s := range shares {
		if s.Provider != "" {
			x.free[s.Provider]--
			x.took[s.Consumer] = map[string]int64{s.Provider: s.Resources["MEMORY_MB"]}
		}
	}
	return nil
}

func (x *Place) give(consumer string) {
	for p := range x.took[consumer] {
		x.free[p]++
	}
	delete(x.took, consumer)
}

// Of is what memory a consumer has, by provider.
func (x *Place) Of(consumer string) map[string]int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.took[consumer]
}

func (x *Place) Release(_ context.Context, consumer string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.give(consumer)
	return nil
}

// Withdraw is Placing's.
func (x *Place) Withdraw(_ context.Context, id string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.free, id)
	return nil
}

func (x *Place) Provide(_ context.Context, id, _ string, _ map[string]nova.Inventory) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.free[id] = cmp.Or(x.Slots, 100)
	return nil
}

// Used is what memory is taken.
func (x *Place) Used(context.Context) (map[string]map[string]int64, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	used := map[string]map[string]int64{}
	for _, on := range x.took {
		for provider, n := range on {
			if used[provider] == nil {
				used[provider] = map[string]int64{}
			}
			used[provider]["MEMORY_MB"] += n
		}
	}
	return used, nil
}
