//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A ceph is a cluster of one node that guests of a cloud reach over a link of its own.
type ceph struct{ dir, address, link string }

func (c ceph) conf() string { return filepath.Join(c.dir, "ceph.conf") }

// newCeph starts a cluster at the outer end of a link.
func newCeph(t *testing.T, b *bench) ceph {
	t.Helper()
	n := strings.TrimPrefix(b.cloud.Name, "t")
	c := ceph{filepath.Join(b.dir, "ceph"), "198.18." + n + ".1", "ceph" + n}
	tool(t, "ip", "link", "add", c.link, "type", "veth", "peer", "name", c.link+"g")
	t.Cleanup(func() { exec.Command("ip", "link", "del", c.link).Run() })
	tool(t, "ip", "addr", "add", c.address+"/30", "dev", c.link)
	tool(t, "ip", "link", "set", c.link, "up")
	script, err := filepath.Abs("../backends/ceph")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exec.Command(script, "stop", c.dir).Run() })
	tool(t, script, "start", c.dir, c.address)
	return c
}

// enter gives the inner end to the cloud's namespace.
func (c ceph) enter(t *testing.T, netns string) {
	t.Helper()
	tool(t, "ip", "link", "set", c.link+"g", "netns", netns)
	tool(t, "ip", "-n", netns, "addr", "add", strings.TrimSuffix(c.address, "1")+"2/30", "dev", c.link+"g")
	tool(t, "ip", "-n", netns, "link", "set", c.link+"g", "up")
}

func tool(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c ceph) rbd(t *testing.T, args ...string) string {
	t.Helper()
	return tool(t, append([]string{"rbd", "--conf", c.conf()}, args...)...)
}

// Volumes of every backend that guests of this machine can reach: files as such, files
// over iSCSI, and images of Ceph's; and moved between them.
func TestBackends(t *testing.T) {
	for _, p := range []string{"ceph-mon", "tgtd"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatal(p + " is not installed: hack/packages backends")
		}
	}
	file := image(t)
	b := makeBench(t)
	c := newCeph(t, b)
	settings := fmt.Sprintf(`volume:
  backends:
  - {name: files, kind: file}
  - {name: far, kind: file, target: iscsi, target_address: "127.0.0.1:3260"}
  - {name: ceph, kind: rbd, pool: volumes, user: cinder, conf: %[1]s, volume_backend_name: fast}
image:
  stores:
  - {id: ceph, type: rbd, pool: images, user: glance, conf: %[1]s}
`, c.conf())
	b.settings(settings)
	b.up()
	c.enter(t, b.cloud.Name)
	guestOf := b.ready(t, file)
	for typ, label := range map[string]string{"files": "files", "far": "far", "ceph": "fast"} {
		b.openstack("volume", "type", "create", typ, "--property", "volume_backend_name="+label)
	}
	b.boot("one", "--image", "tiny")
	b.status("one", "ACTIVE")
	one := guestOf("one")
	one.says(t, "hostname", "one")
	for _, typ := range []string{"ceph", "far"} {
		t.Run(typ, func(t *testing.T) { b.at(t).inUse(t, one, typ) })
	}
	t.Run("moved", func(t *testing.T) { b.at(t).moved(t, one) })
	t.Run("moved in use", func(t *testing.T) { b.at(t).movedInUse(t, one) })
	t.Run("image", func(t *testing.T) { b.at(t).imageInPlace(t, c) })
	t.Run("secrets", func(t *testing.T) { b.at(t).secrets(t, c) })
	b.openstack("server", "delete", "--wait", "one")
	b.cleared(t, c)
}

func (b *bench) at(t *testing.T) *bench { c := *b; c.t = t; return &c }

// attach gives a guest a volume, and finds it there.
func (b *bench) attach(t *testing.T, g guest, server, volume string) string {
	t.Helper()
	b.openstack("server", "add", "volume", server, volume)
	b.volume(volume, "in-use")
	return g.disk(t, b.id("volume", volume))
}

func (b *bench) detach(t *testing.T, g guest, server, volume, dev string) {
	t.Helper()
	b.openstack("server", "remove", "volume", server, volume)
	b.volume(volume, "available")
	g.gone(t, dev)
}

// inUse is a volume's day in a guest: hot-plugged, written, grown, taken, detached,
// while the control plane, and what exports it, are killed.
func (b *bench) inUse(t *testing.T, g guest, typ string) {
	b.openstack("volume", "create", "data-"+typ, "--size", "1", "--type", typ)
	b.volume("data-"+typ, "available")
	dev := b.attach(t, g, "one", "data-"+typ)
	sum := g.pattern(t, dev, typ)
	b.openstack("--os-volume-api-version", "3.42", "volume", "set", "data-"+typ, "--size", "2")
	until(t, "the guest to see 2 GiB", time.Minute, func() (bool, string) {
		out, err := g.run("cat /sys/block/" + dev + "/size")
		return err == nil && out == "4194304", out
	})
	if got := g.sum(t, dev); got != sum {
		t.Fatal("grown, it holds", got, "want", sum)
	}
	g.must(t, "echo end | sudo dd of=/dev/"+dev+" bs=512 seek=4194303 conv=notrunc 2>/dev/null; sync")
	killed(t, b)
	if typ == "far" {
		if err := syscall.Kill(b.tgtd(t), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	b.up()
	g.says(t, "sudo dd if=/dev/"+dev+" iflag=direct bs=512 skip=4194303 count=1 2>/dev/null | head -c 3", "end")
	if got := g.sum(t, dev); got != sum {
		t.Fatal("after a kill it holds", got, "want", sum)
	}
	if typ == "ceph" {
		b.openstack("volume", "snapshot", "create", "then", "--volume", "data-"+typ, "--force")
		b.thing("volume snapshot", "then", "available")
		if g.pattern(t, dev, "another") == sum {
			t.Fatal("the second pattern is the first")
		}
		b.openstack("volume", "create", "copy", "--snapshot", "then", "--size", "2")
		b.volume("copy", "available")
		at := b.attach(t, g, "one", "copy")
		if got := g.sum(t, at); got != sum {
			t.Fatal("the snapshot's copy holds", got, "want", sum)
		}
		b.detach(t, g, "one", "copy", at)
		b.openstack("volume", "delete", "copy")
		b.openstack("volume", "snapshot", "delete", "then")
	}
	b.detach(t, g, "one", "data-"+typ, dev)
	until(t, "the volume to be deletable", time.Minute, func() (bool, string) {
		out, err := b.try("volume", "delete", "data-"+typ)
		return err == nil, out
	})
}

// tgtd is the process that exports the cloud's volumes.
func (b *bench) tgtd(t *testing.T) int {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range all {
		line, _ := os.ReadFile(f)
		env, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "environ"))
		if bytes.HasPrefix(line, []byte("tgtd\x00")) && bytes.Contains(env, []byte("TGT_IPC_SOCKET="+b.cloud.Data+"/")) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			return pid
		}
	}
	t.Fatal("there is no tgtd")
	return 0
}

// A move takes the volume mover to a backend.
type move struct {
	host string
	args []string
}

// moves go from files to Ceph by migration, and on to iSCSI and back by retypes.
var moves = []move{
	{"stackd@ceph#volumes", []string{"volume", "migrate", "mover", "--host", "stackd@ceph#volumes"}},
	{"stackd@far#volumes", []string{"volume", "set", "mover", "--type", "far", "--retype-policy", "on-demand"}},
	{"stackd@files#volumes", []string{"volume", "set", "mover", "--type", "files", "--retype-policy", "on-demand"}},
}

// move moves the volume, and waits until it is there with a status.
func (b *bench) move(t *testing.T, m move, status string) {
	t.Helper()
	b.openstack(m.args...)
	until(t, "mover to be at "+m.host, 4*time.Minute, func() (bool, string) {
		s := b.openstack("volume", "show", "mover", "-f", "value", "-c", "os-vol-host-attr:host", "-c", "status", "-c", "migration_status")
		return strings.Contains(s, m.host) && strings.Contains(s, status) && !strings.Contains(s, "migrating"), s
	})
}

// moved: free volumes go from backend to backend, and the bytes are the same.
func (b *bench) moved(t *testing.T, g guest) {
	b.openstack("volume", "create", "mover", "--size", "1", "--type", "files")
	b.volume("mover", "available")
	dev := b.attach(t, g, "one", "mover")
	sum := g.pattern(t, dev, "mover")
	b.detach(t, g, "one", "mover", dev)
	for _, step := range moves {
		b.move(t, step, "available")
		dev := b.attach(t, g, "one", "mover")
		if got := g.sum(t, dev); got != sum {
			t.Fatal("at", step.host, "it holds", got, "want", sum)
		}
		b.detach(t, g, "one", "mover", dev)
	}
	b.openstack("volume", "delete", "mover")
}

// movedInUse: the same under a guest that has the volume and writes to it.
func (b *bench) movedInUse(t *testing.T, g guest) {
	b.openstack("volume", "create", "mover", "--size", "1", "--type", "files")
	b.volume("mover", "available")
	dev := b.attach(t, g, "one", "mover")
	sum := g.pattern(t, dev, "mover in use")
	for i, step := range moves {
		start := time.Now()
		b.move(t, step, "in-use")
		t.Logf("at %s after %s", step.host, time.Since(start).Round(time.Second))
		if got := g.sum(t, dev); got != sum {
			t.Fatal("at", step.host, "it holds", got, "want", sum)
		}
		g.must(t, fmt.Sprintf("echo end%d | sudo dd of=/dev/%s bs=512 seek=2097151 conv=notrunc 2>/dev/null; sync", i, dev))
	}
	g.says(t, "sudo dd if=/dev/"+dev+" iflag=direct bs=512 skip=2097151 count=1 2>/dev/null | head -c 4", "end2")
	b.detach(t, g, "one", "mover", dev)
	b.openstack("volume", "delete", "mover")
}

// imageInPlace: a raw image that lies in the same cluster becomes a volume by cloning.
func (b *bench) imageInPlace(t *testing.T, c ceph) {
	raw := filepath.Join(b.dir, "raw")
	if err := os.WriteFile(raw, bytes.Repeat([]byte("an image;"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	b.openstack("image", "create", "raw", "--disk-format", "raw", "--container-format", "bare", "--file", raw)
	b.openstack("volume", "create", "clone", "--image", "raw", "--size", "1", "--type", "ceph")
	b.volume("clone", "available")
	name := "volumes/volume-" + b.id("volume", "clone")
	var info struct {
		Size   int64
		Parent struct{ Pool, Image string }
	}
	if err := json.Unmarshal([]byte(c.rbd(t, "info", "--format", "json", name)), &info); err != nil {
		t.Fatal(err)
	}
	if info.Parent.Pool != "images" || info.Parent.Image != b.id("image", "raw") || info.Size != 1<<30 {
		t.Fatalf("it is no clone: %+v", info)
	}
	if out, err := b.try("image", "delete", "raw"); err == nil {
		t.Error("an image went under its clone", out)
	}
	b.openstack("volume", "delete", "clone")
	until(t, "the image to be deletable", time.Minute, func() (bool, string) {
		out, err := b.try("image", "delete", "raw")
		return err == nil, out
	})
}

// secrets: the cluster's key is in no row, no log, no argument of a process.
func (b *bench) secrets(t *testing.T, c ceph) {
	keyring, err := os.ReadFile(filepath.Join(c.dir, "client.cinder.keyring"))
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(string(keyring), "key = ")
	key = strings.TrimSpace(strings.SplitN(key, "\n", 2)[0])
	if len(key) < 30 {
		t.Fatal("no key is in the keyring")
	}
	files, _ := filepath.Glob(b.cloud.Data + "/stackd.*")
	more, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range append(files, more...) {
		if text, _ := os.ReadFile(f); bytes.Contains(text, []byte(key)) {
			t.Error("the key lies open in", f)
		}
	}
}

// cleared: with the volumes and images go their bytes and targets.
func (b *bench) cleared(t *testing.T, c ceph) {
	b.openstack("image", "delete", "tiny")
	until(t, "Ceph to be empty", time.Minute, func() (bool, string) {
		left := c.rbd(t, "ls", "volumes") + c.rbd(t, "trash", "ls", "--all", "volumes") + c.rbd(t, "ls", "images")
		return left == "", left
	})
	until(t, "no volume's bytes to be left", time.Minute, func() (bool, string) {
		l, _ := filepath.Glob(filepath.Join(b.cloud.Data, "volumes*", "*[0-9a-f]*-*"))
		return len(l) == 0, strings.Join(l, " ")
	})
	until(t, "no target to be left", time.Minute, func() (bool, string) {
		cmd := exec.Command("tgtadm", "--op", "show", "--mode", "target")
		cmd.Env = append(os.Environ(), "TGT_IPC_SOCKET="+filepath.Join(b.cloud.Data, "iscsi-far", "tgtd"))
		out, err := cmd.CombinedOutput()
		return err == nil && len(bytes.TrimSpace(out)) == 0, string(out)
	})
}
