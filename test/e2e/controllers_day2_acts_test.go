//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"stackd/test/cloudtest"
	"stackd/test/hosts"
)

func (n *notes) signInAtOne(ctx context.Context) (*cloudtest.Client, error) {
	return n.signInAt(ctx, oneAddress)
}

// making makes servers until something has ended, as a client that tries again, and gives
// those that were accepted.
func (w *netLoad) making(ends chan error) (ids []string, err error) {
	w.t.Helper()
	image, flavor, network := w.osc("image show tiny -f value -c id"), w.osc("flavor show tiny -f value -c id"), w.osc("network show n -f value -c id")
	for i := 0; ; i++ {
		var out struct{ Server struct{ ID string } }
		_, err := cloudtest.Patiently(func() error {
			return w.c.Do(context.Background(), "POST", "compute", "/servers", map[string]any{"server": map[string]any{"name": fmt.Sprint("rolling-", i), "imageRef": image, "flavorRef": flavor, "networks": []any{map[string]any{"uuid": network}}}}, &out)
		})
		if err != nil {
			w.t.Error("a server was refused:", err)
		} else {
			ids = append(ids, out.Server.ID)
		}
		select {
		case err := <-ends:
			return ids, err
		case <-time.After(40 * time.Second): // a guest that boots is a burden
		}
	}
}

// unbounded lets the administrator's project have any number of servers.
func (w *netLoad) unbounded() {
	if err := w.c.Do(w.t.Context(), "PUT", "compute", "/os-quota-sets/"+w.c.ProjectID, map[string]any{"quota_set": map[string]int{"instances": -1, "cores": -1, "ram": -1}}, nil); err != nil {
		w.t.Fatal(err)
	}
}

// active waits until servers run, and deletes them.
func (w *netLoad) active(ids []string) {
	w.t.Helper()
	for _, id := range ids {
		until(w.t, "a server to be ACTIVE", 2*time.Minute, func() (bool, string) {
			s := w.osc("server show " + id + " -f value -c status")
			return s == "ACTIVE", s
		})
	}
	w.osc("server delete --wait " + strings.Join(ids, " "))
}

// nodes are the compute services that there are, with their states.
func (w *netLoad) nodes() string {
	return w.osc("compute service list --service nova-compute -f value -c Host -c State --sort-column Host")
}

// node runs stackd node on the third host, whose answers it changes.
func (n *notes) node(args ...string) (string, error) {
	n.t.Helper()
	out, err := n.again(append(append([]string{"node"}, args...), "--answer-file", "/root/answers.txt", "--accept-new-hosts")...)
	if e := os.WriteFile(n.file, []byte(n.infra.Shell("cat /root/answers.txt")+"\n"), 0o600); e != nil {
		n.t.Fatal(e)
	}
	return out, err
}

// comesAndGoes makes a host a node; it dies with a server on it and is taken off, comes
// back with empty disks, and is taken off as it is.
func (n *notes) comesAndGoes(w *netLoad) {
	t, h := n.t, n.hosts["compute2"]
	t.Helper()
	added := func() {
		t.Helper()
		start := time.Now()
		if out, err := n.node("add", "192.168.4.22"); err != nil {
			t.Fatal(err, out)
		}
		until(t, "the node to be up", time.Minute, func() (bool, string) { s := w.nodes(); return s == "compute1 up\ncompute2 up", s })
		t.Logf("a node was added in %s", time.Since(start).Round(time.Second))
	}
	added()
	w.osc("server create dies --wait --image tiny --flavor tiny --network n --availability-zone nova:compute2")
	h.Off()
	if out, err := n.node("remove", "192.168.4.22"); err == nil || !strings.Contains(out, "has 1 servers") || !strings.Contains(out, "192.168.4.22 cannot be reached") {
		t.Errorf("a dead host with a server: %v\n%s", err, out)
	}
	start := time.Now()
	out, err := n.node("remove", "192.168.4.22", "--evacuate")
	if err != nil || !strings.Contains(out, "(compute2) could not be given back") {
		t.Fatal(err, out)
	}
	t.Logf("a dead node was taken off in %s", time.Since(start).Round(time.Second))
	if s := w.osc("server show dies -f value -c status -c OS-EXT-SRV-ATTR:host"); !strings.Contains(s, "ACTIVE") || !strings.Contains(s, "compute1") {
		t.Error("its server is", s)
	}
	w.osc("server delete --wait dies")
	n.without(w)
	h.Blank()
	h.On()
	n.opened(h)
	n.infra.Shell("ssh-keygen -R 192.168.4.22 2>/dev/null")
	added()
	if out, err := n.node("remove", "192.168.4.22"); err != nil {
		t.Fatal(err, out)
	}
	n.without(w)
}

// without sees that nothing knows compute2 any more.
func (n *notes) without(w *netLoad) {
	n.t.Helper()
	if s := w.nodes(); s != "compute1 up" {
		n.t.Error("nodes are", s)
	}
	if s := n.hosts["ctl1"].Shell("ovn-sbctl --no-leader-only --db=unix:/var/lib/stackd/run/sb.sock --bare --columns=name list chassis; cat /etc/hosts") + n.infra.Shell("cat /root/answers.txt"); strings.Contains(s, "compute2") || strings.Contains(s, "4.22") {
		n.t.Error("compute2 is known:", s)
	}
}

// failsOver cuts the power of the database's primary, and makes the standby one.
func (n *notes) failsOver(one, two *hosts.Host, w *netLoad) {
	t := n.t
	t.Helper()
	pinged := n.pinging(w.guest.address)
	w.begin()
	time.Sleep(4 * time.Second)
	at := time.Now()
	one.Off()
	time.Sleep(4 * time.Second)
	two.Run("bash", "-ec", startOutside+`run "$bin/pg_ctl -w -D $d/data promote >/dev/null"`)
	promoted := time.Now()
	time.Sleep(15 * time.Second)
	w.pause()
	sent, gone := pinged()
	failed, _ := w.errorsSince(at)
	late, last := w.errorsSince(promoted)
	t.Logf("the database's primary lost its power, and four seconds later the standby became one: %d of %d requests failed, %d of them after that, the last %.1f s after it; %d of %d pings were lost; %s has the address",
		failed, w.asked(), late, last.Seconds(), gone, sent, n.holder())
	if last > 8*time.Second {
		t.Errorf("requests fail for longer than 8 s: %v", w.texts())
	}
	if gone > 5 {
		t.Error("the guest was away")
	}
}

// boots3 cuts a controller's power and boots it, as it was.
func (n *notes) boots3(name string, w *netLoad) {
	t, h := n.t, n.hosts[name]
	t.Helper()
	h.Off()
	made := w.server("while-" + name + "-is-off")
	start := time.Now()
	h.On()
	h.Shell("mkdir -p /run/sshd; /usr/sbin/sshd; ip route replace default via 192.168.4.1")
	if s := h.Shell("systemctl is-enabled stackd"); s != "enabled" {
		t.Error("it would not start by itself:", s)
	}
	h.Shell("systemctl start chrony stackd; for i in $(seq 120); do stackd status --output json | grep -q '\"ready\":true' && exit 0; sleep .5; done; exit 1")
	n.members(h)
	t.Logf("%s was off, while a server was made in %.1f s; started again it is whole after %s", name, made.Seconds(), time.Since(start).Round(100*time.Millisecond))
}

// replaces gives a controller empty disks: another run of the installer makes it one again.
func (n *notes) replaces(name string, w *netLoad) {
	t, h := n.t, n.hosts[name]
	t.Helper()
	h.Off()
	h.Blank()
	h.On()
	n.opened(h)
	n.infra.Shell("ssh-keygen -R 192.168.4." + dayTwoOf[name] + " 2>/dev/null")
	start := time.Now()
	out := n.install()
	n.members(h)
	t.Logf("%s lost its disks, and is a member again after %s\n%s", name, time.Since(start).Round(100*time.Millisecond), out)
	id := w.osc("image show tiny -f value -c id")
	until(t, "the image to be there again", 90*time.Second, func() (bool, string) {
		s := h.Shell("ls /var/lib/stackd/images/*/ 2>/dev/null || true")
		return strings.Contains(s, id), s
	})
	w.server("with-" + name + "-again")
	w.guest.says("hostname", "one")
}
