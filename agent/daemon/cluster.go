package daemon

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"stackd/agent/peers"
)

// A Cluster is where OVN's databases are members of clusters (Raft), one of each on
// every controller. Local is one of Members, which are the controllers' addresses.
type Cluster struct {
	Local   string
	Members []string
	Peers   peers.Store
	// TLS are files of certificates that are good between controllers, for nobody else.
	TLS TLS

	settled bool
}

// Ports of a member. Chassis do not connect to the southbound database itself but to the
// control plane, which lets in who is a node and goes on to ChassisPort here.
const (
	nbPort, sbPort         = 6641, 6645 // for controllers
	nbRaftPort, sbRaftPort = 6643, 6644 // for one another
	ChassisPort            = 6646       // of this host alone, with the rights of a chassis
)

// electionTimer is how long a member without word from the leader waits before it stands
// itself, in milliseconds, at least: twice as long as usual, for hosts that are busy.
const electionTimer = 2000

var clustered = map[string]struct {
	database   string
	port, raft int
}{"nb": {"OVN_Northbound", nbPort, nbRaftPort}, "sb": {"OVN_Southbound", sbPort, sbRaftPort}}

// NBs are where the northbound database is, of all members.
func (c *Cluster) NBs() string { return c.all(nbPort) }

func (c *Cluster) all(port int) string {
	var out []string
	for _, m := range c.Members {
		out = append(out, ssl(m, port))
	}
	return strings.Join(out, ",")
}

func ssl(host string, port int) string { return "ssl:" + net.JoinHostPort(host, strconv.Itoa(port)) }

func (t TLS) flags() []string {
	return []string{"--private-key=" + t.Key, "--certificate=" + t.Certificate, "--ca-cert=" + t.Authority}
}

// clusterProcesses are those of a member. All run a northd; the one that has the lock in
// the southbound database works, the others wait for it.
func (h *Host) clusterProcesses() (ps []process) {
	for _, name := range []string{"nb", "sb"} {
		args := append([]string{"--remote=punix:" + h.sock(name), "--unixctl=" + h.Run + "/run/" + name + ".ctl", fmt.Sprintf("--remote=pssl:%d:%s", clustered[name].port, h.Cluster.Local)}, h.Cluster.TLS.flags()...)
		if name == "sb" {
			args = append(args, "--remote=db:OVN_Southbound,SB_Global,connections")
		}
		ps = append(ps, h.ovs(name, name, "ovsdb-server", append(args, h.Run+"/ovn/"+name+".db")...))
	}
	northd := append([]string{"--unixctl=" + h.Run + "/run/northd.ctl", "--ovnnb-db=" + h.Cluster.NBs(), "--ovnsb-db=" + h.Cluster.all(sbPort)}, h.Cluster.TLS.flags()...)
	return append(ps, h.ovs("northd", "", "ovn-northd", northd...))
}

// makeMember makes this host's member of a database's cluster: the first one there is
// begins it, any other joins, also one that has been a member and lost its disk. Which
// server is meant is in the rows before the file has its name.
func (h *Host) makeMember(ctx context.Context, name, schema string) error {
	db := clustered[name]
	file, local := filepath.Join(h.DataDir, "ovn", name+".db"), ssl(h.Cluster.Local, db.raft)
	if !missing(file) {
		return nil
	}
	fresh := file + ".new"
	if done, err := h.begun(ctx, fresh, db.database, local); err != nil || done {
		return h.renamed(fresh, file, err)
	}
	_ = os.Remove(fresh)
	first, err := h.Cluster.Peers.Founder(ctx, db.database)
	if err != nil {
		return err
	}
	if first == (peers.Member{}) {
		if first, err = h.found(ctx, fresh, schema, db.database, local); err != nil || first.Address == local {
			return h.renamed(fresh, file, err)
		}
		_ = os.Remove(fresh) // another was first
	}
	return h.renamed(fresh, file, h.joinCluster(ctx, fresh, db.database, local, db.raft))
}

func (h *Host) renamed(from, to string, err error) error {
	if err != nil {
		return err
	}
	return os.Rename(from, to)
}

// begun tells whether a file that a killed process left is the member that the rows mean.
func (h *Host) begun(ctx context.Context, file, database, local string) (bool, error) {
	if missing(file) {
		return false, nil
	}
	id, err := h.output(ctx, "ovsdb-tool", "db-sid", file)
	if err != nil {
		return false, nil // half-made
	}
	all, err := h.Cluster.Peers.Members(ctx, database)
	for _, m := range all {
		if m.Address == local && m.Server == id {
			return true, err
		}
	}
	return false, err
}

func (h *Host) found(ctx context.Context, file, schema, database, local string) (peers.Member, error) {
	err := h.command(ctx, "ovsdb-tool", fmt.Sprintf("--election-timer=%d", electionTimer), "create-cluster", file, schema, local)
	if err != nil {
		return peers.Member{}, err
	}
	id, err := h.output(ctx, "ovsdb-tool", "db-sid", file)
	if err != nil {
		return peers.Member{}, err
	}
	return h.Cluster.Peers.Found(ctx, peers.Member{Database: database, Address: local, Server: id})
}

func (h *Host) joinCluster(ctx context.Context, file, database, local string, port int) error {
	argv := []string{"ovsdb-tool", "join-cluster", file, database, local}
	for _, m := range h.Cluster.Members {
		if m != h.Cluster.Local {
			argv = append(argv, ssl(m, port))
		}
	}
	if err := h.command(ctx, argv...); err != nil {
		return err
	}
	id, err := h.output(ctx, "ovsdb-tool", "db-sid", file)
	if err != nil {
		return err
	}
	return h.Cluster.Peers.Put(ctx, peers.Member{Database: database, Address: local, Server: id})
}

// tend puts out members that are no more, and settles what must be in the databases.
func (h *Host) tend(ctx context.Context) error {
	for _, name := range []string{"nb", "sb"} {
		if err := h.tendMembers(ctx, name); err != nil {
			return fmt.Errorf("the cluster of %s: %w", clustered[name].database, err)
		}
	}
	if h.Cluster.settled {
		return nil
	}
	err := h.settle(ctx)
	h.Cluster.settled = err == nil
	return err
}

// settle writes what other programs look for. It needs most members.
func (h *Host) settle(ctx context.Context) error {
	nbctl := []string{"ovn-nbctl", "--timeout=2", "--no-leader-only", "--db=" + h.NB()}
	if err := h.command(ctx, append(nbctl, "init", "--", "set", "nb_global", ".", "name="+h.Name)...); err != nil {
		return err
	}
	sbctl := []string{"ovn-sbctl", "--timeout=2", "--no-leader-only", "--db=" + h.SB()}
	want := fmt.Sprintf("pssl:%d:127.0.0.1", ChassisPort) // each member's own
	have, err := h.output(ctx, append(sbctl, "get-connection")...)
	if err != nil || strings.Contains(have, want) {
		return err
	}
	return h.command(ctx, append(sbctl, "set-connection", "role=ovn-controller", want)...)
}

// members as cluster/status tells of them: "1f2e (1f2e at ssl:192.0.2.1:6643) last msg 12 ms ago".
var memberLine = regexp.MustCompile(`(?m)^\s+([0-9a-f]{4}) \([0-9a-f]{4} at (\S+)\)( \(self\))?(?:.* last msg (\d+) ms ago)?`)

// silent is for how long a member must have said nothing before it is put out, in milliseconds.
const silent = 10_000

// tendMembers has the leader put out servers whose place another has taken.
func (h *Host) tendMembers(ctx context.Context, name string) error {
	db, ctl := clustered[name], h.Run+"/run/"+name+".ctl"
	status, err := unixctl(ctx, ctl, "cluster/status", db.database)
	if err != nil || !strings.Contains(status, "\nRole: leader\n") {
		return nil // one that does not answer is started again by Watch
	}
	now, err := h.Cluster.Peers.Members(ctx, db.database)
	if err != nil {
		return err
	}
	for _, gone := range replaced(status, now) {
		if _, err := unixctl(ctx, ctl, "cluster/kick", db.database, gone); err != nil {
			return err
		}
	}
	return nil
}

// replaced are the servers in a status that say nothing, and in whose place the rows have another.
func replaced(status string, now []peers.Member) (gone []string) {
	for _, m := range memberLine.FindAllStringSubmatch(status, -1) {
		said, err := strconv.Atoi(m[4])
		if m[3] != "" || err == nil && said < silent {
			continue
		}
		for _, p := range now {
			if p.Address == m[2] && !strings.HasPrefix(p.Server, m[1]) {
				gone = append(gone, m[1])
			}
		}
	}
	return gone
}
