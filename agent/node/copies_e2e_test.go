//go:build e2e

package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stackd/agent/wish"
)

// raw is a volume in a file of so many MiB.
func raw(t *testing.T, dir string, n, mib int) wish.Disk {
	t.Helper()
	file := filepath.Join(dir, fmt.Sprint(n))
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, int64(mib)<<20); err != nil {
		t.Fatal(err)
	}
	return wish.Disk{VolumeID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", n), Kind: "file", Source: map[string]string{"path": file, "format": "raw"}, Size: int64(mib) << 20}
}

// luks is an encrypted volume in a file, for a guest that sees so many MiB.
func luks(t *testing.T, dir string, n, mib int) wish.Disk {
	t.Helper()
	v := raw(t, dir, n, mib)
	v.Passphrase = "secret"
	cmd := exec.Command("qemu-img", "create", "-q", "-f", "luks", "--object", "secret,id=s,data=secret", "-o", "key-secret=s,iter-time=200", v.Source["path"], fmt.Sprint(v.Size))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	return v
}

// over has the guest's volume n copied to a place, and waits until the guest is there.
func (c *cloud) over(t *testing.T, n int, to wish.Disk) {
	t.Helper()
	c.change(first, func(s *wish.Server) {
		s.Volumes = slices.Clone(s.Volumes)
		s.Volumes[n].Copy = &wish.Copy{ID: "to-" + to.VolumeID, To: to}
	})
	c.awaitThat(t, first, "over to "+to.VolumeID, func(s wish.Seen) bool { return slices.Contains(s.Copied, "to-"+to.VolumeID) })
	c.change(first, func(s *wish.Server) {
		s.Volumes = slices.Clone(s.Volumes)
		s.Volumes[n] = to
	})
	if s := c.await(t, first, wish.Running); s.Volumes[n] != to.VolumeID {
		t.Errorf("volumes seen: %v", s.Volumes)
	}
}

// A running guest's disk is copied elsewhere and the guest goes over, whatever is killed
// meanwhile: from a file over the network, back into a larger file, and encrypted.
func TestCopyOver(t *testing.T) {
	c := newCloud(t, "")
	dir := t.TempDir()
	from, over, large := raw(t, dir, 1, 16), c.nbd(t, raw(t, dir, 2, 16)), raw(t, dir, 3, 24)
	over.Size = 16 << 20
	closed, other := luks(t, dir, 4, 4), luks(t, dir, 5, 4)
	s := c.server(t, first, "first", c.port(t, portA, 11))
	s.Volumes = []wish.Disk{from, closed}
	c.wish(func(w *wish.Wishes) { w.Servers = append(w.Servers, s) })
	c.await(t, first, wish.Running)
	boot := c.ssh(t, 11, bootID)
	const sums = "sync; echo 3 >/proc/sys/vm/drop_caches; head -c 16777216 /dev/vdb | sha256sum; head -c 4194304 /dev/vdc | sha256sum"
	before := c.ssh(t, 11, "head -c 16777216 /dev/urandom >/dev/vdb; head -c 4194304 /dev/urandom >/dev/vdc;"+sums)

	t.Log("== over the network; the agent is replaced on the way")
	c.change(first, func(s *wish.Server) { s.Volumes[0].Copy = &wish.Copy{ID: "gone", To: over} })
	c.stop()
	c.startAgent(t)
	c.change(first, func(s *wish.Server) { s.Volumes[0].Copy = nil })
	c.await(t, first, wish.Running)
	c.over(t, 0, over)
	if got := c.ssh(t, 11, sums); got != before {
		t.Errorf("the guest reads %s, not %s", got, before)
	}

	t.Log("== into a larger file, written to meanwhile")
	c.ssh(t, 11, "echo written >/dev/vdb; sync; (while sleep 0.1; do date | dd of=/dev/vdb bs=512 seek=2048 conv=notrunc 2>/dev/null; sync; done) >/dev/null 2>&1 &")
	c.over(t, 0, large)
	if got := c.ssh(t, 11, "head -c 7 /dev/vdb"); got != "written" {
		t.Errorf("in the larger file: %q", got)
	}

	t.Log("== encrypted")
	c.over(t, 1, other)
	if got, want := strings.Fields(c.ssh(t, 11, "head -c 4194304 /dev/vdc | sha256sum"))[0], strings.Fields(before)[2]; got != want {
		t.Errorf("encrypted: %s, not %s", got, want)
	}
	if out, _ := exec.Command("qemu-img", "info", other.Source["path"]).CombinedOutput(); !strings.Contains(string(out), "luks") {
		t.Errorf("what was encrypted lies in the clear: %s", out)
	}
	c.same(t, boot)

	t.Log("== started anew, the volumes have their own serials; the first may come back")
	c.change(first, func(s *wish.Server) { s.Volumes = append(slices.Clone(s.Volumes), from) })
	c.await(t, first, wish.Running)
	c.change(first, func(s *wish.Server) { s.HardReboots++ })
	c.await(t, first, wish.Running)
	if got := strings.Fields(c.ssh(t, 11, "for d in /sys/block/vd[b-z]; do cat $d/serial; echo; done")); len(got) != 3 || got[0] != large.VolumeID[:20] || got[1] != other.VolumeID[:20] || got[2] != from.VolumeID[:20] {
		t.Errorf("serials %v", got)
	}
	if got := c.ssh(t, 11, "head -c 7 /dev/vdb; cat /sys/block/vdb/size"); got != "written49152" {
		t.Errorf("after another start: %q", got)
	}
	c.change(first, func(s *wish.Server) { s.Power = wish.Gone })
	c.await(t, first, wish.Gone)
	c.nothingLeft(t, first, portA)
	if left, _ := filepath.Glob(filepath.Join(c.host.DataDir, "libvirt/etc/secrets/*")); len(left) > 0 {
		t.Errorf("secrets are left: %v", left)
	}
}
