//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// compute makes a call to compute, in a microversion.
func (b *bench) compute(version, method, path string, body any) {
	b.t.Helper()
	c, err := cloudtest.SignIn(context.Background(), b.env)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := c.Send(context.Background(), method, c.Catalog["compute"]+path, map[string]string{"OpenStack-API-Version": "compute " + version}, body, nil); err != nil {
		b.t.Fatal(method, path, err)
	}
}

// A server goes on through what is done to it: its volume is swapped for another while it
// runs, and back with stackd killed in the middle; then it is rebuilt, and what was not
// its root disk is as it was.
func TestLives(t *testing.T) {
	file := image(t)
	b := newBench(t)
	guestOf := b.ready(t, file)
	b.openstack("image", "create", "other", "--disk-format", "qcow2", "--container-format", "bare", "--file", file)
	b.boot("one", "--image", "tiny")
	for _, v := range []string{"data", "next"} {
		b.openstack("volume", "create", v, "--size", "1")
		b.volume(v, "available")
	}
	b.status("one", "ACTIVE")
	one, server := guestOf("one"), b.id("server", "one")
	one.says(t, "hostname", "one")
	data := b.id("volume", "data")
	b.openstack("server", "add", "volume", "one", "data")
	b.volume("data", "in-use")
	dev := one.disk(t, data)
	sum := one.pattern(t, dev, "held")
	boot := one.must(t, "cat /proc/sys/kernel/random/boot_id")

	swap := func(from, to string) {
		b.compute("2.1", "PUT", "/servers/"+server+"/os-volume_attachments/"+b.id("volume", from), map[string]any{"volumeAttachment": map[string]any{"volumeId": b.id("volume", to)}})
	}
	start := time.Now()
	swap("data", "next")
	b.volume("next", "in-use")
	b.volume("data", "available")
	t.Logf("a GiB is swapped after %s", time.Since(start).Round(100*time.Millisecond))
	if got := one.sum(t, dev); got != sum {
		t.Fatal("swapped, the guest reads", got, "want", sum)
	}
	sum = one.pattern(t, dev, "later")
	swap("next", "data")
	killed(t, b)
	b.up()
	b.volume("data", "in-use")
	b.volume("next", "available")
	if got := one.sum(t, dev); got != sum {
		t.Fatal("swapped back over a kill, the guest reads", got, "want", sum)
	}
	if got := one.must(t, "cat /proc/sys/kernel/random/boot_id"); got != boot {
		t.Error("the guest was started anew")
	}

	one.must(t, "sudo dd if=/dev/urandom of=/dev/vda bs=1024 seek=900000 count=1 conv=notrunc 2>/dev/null; sync")
	port := b.openstack("port", "list", "--server", "one", "-f", "value", "-c", "ID")
	start = time.Now()
	b.openstack("server", "rebuild", "one", "--image", "other", "--wait")
	t.Logf("rebuilt after %s", time.Since(start).Round(100*time.Millisecond))
	one.rebuilt(t, boot)
	if got := b.openstack("port", "list", "--server", "one", "-f", "value", "-c", "ID"); got != port {
		t.Errorf("ports %s, and before %s", got, port)
	}
	if got := one.sum(t, one.disk(t, data)); got != sum {
		t.Error("after the rebuild the volume holds", got, "want", sum)
	}
	if got := one.must(t, "sudo dd if=/dev/vda bs=1024 skip=900000 count=1 2>/dev/null | tr -d '\\000' | wc -c"); got != "0" {
		t.Error("the root disk holds what was written before:", got)
	}
	rescued(t, b, one)
	rootVolume(t, b, guestOf)
	b.openstack("server", "delete", "--wait", "one")
	b.openstack("volume", "delete", "data", "next")
	until(t, "the machine to be clean", time.Minute, func() (bool, string) {
		l := keep(b.left(), func(s string) bool { return !strings.HasPrefix(s, "logical") })
		return len(l) == 0, strings.Join(l, "\n")
	})
}

// rescued: a guest starts from another disk with its own as the next one, and then from
// its own again, which holds what was written meanwhile.
func rescued(t *testing.T, b *bench, one guest) {
	t.Helper()
	const marked = "sudo dd if=/dev/%s bs=1024 skip=900000 count=1 2>/dev/null | head -c 6"
	boot := one.must(t, "cat /proc/sys/kernel/random/boot_id; echo marked | sudo dd of=/dev/vda bs=1024 seek=900000 conv=notrunc 2>/dev/null; sync")
	b.openstack("server", "rescue", "one")
	b.status("one", "RESCUE")
	one.rebuilt(t, boot)
	if got := one.must(t, fmt.Sprintf(marked, "vdb")); got != "marked" {
		t.Errorf("the second disk of a rescued guest is not its own: %q", got)
	}
	boot = one.must(t, "cat /proc/sys/kernel/random/boot_id; echo mended | sudo dd of=/dev/vdb bs=1024 seek=900000 conv=notrunc 2>/dev/null; sync")
	b.openstack("server", "unrescue", "one")
	b.status("one", "ACTIVE")
	one.rebuilt(t, boot)
	if got := one.must(t, fmt.Sprintf(marked, "vda")); got != "mended" {
		t.Errorf("after the rescue the root disk holds %q", got)
	}
	for _, name := range []string{"b1", "b2"} {
		b.openstack("server", "backup", "create", "one", "--name", name, "--type", "daily", "--rotate", "1", "--wait")
	}
	until(t, "one backup to be left", time.Minute, func() (bool, string) {
		l := b.openstack("image", "list", "--property", "backup_type=daily", "-f", "value", "-c", "Name")
		return l == "b2", l
	})
	b.openstack("image", "delete", "b2")
}

// rebuilt waits until the guest answers from another boot.
func (g guest) rebuilt(t *testing.T, boot string) {
	t.Helper()
	until(t, "another boot of the guest at "+g.address, 2*time.Minute, func() (bool, string) {
		out, err := g.run("cat /proc/sys/kernel/random/boot_id")
		return err == nil && strings.Count(out, "-") == 4 && out != boot, fmt.Sprint(out, err)
	})
}

// rootVolume: a server whose root is a volume is rebuilt, with that volume given the
// image's content, and stackd killed meanwhile.
func rootVolume(t *testing.T, b *bench, guestOf func(string) guest) {
	t.Helper()
	b.openstack("volume", "create", "root", "--image", "tiny", "--size", "1")
	b.volume("root", "available")
	b.boot("two", "--volume", "root")
	b.status("two", "ACTIVE")
	two := guestOf("two")
	two.says(t, "hostname", "two")
	boot := two.must(t, "cat /proc/sys/kernel/random/boot_id; echo spoilt | sudo dd of=/dev/vda bs=1024 seek=900000 conv=notrunc 2>/dev/null; sync")
	b.compute("2.93", "POST", "/servers/"+b.id("server", "two")+"/action", map[string]any{"rebuild": map[string]any{"imageRef": b.id("image", "other")}})
	killed(t, b)
	b.up()
	b.status("two", "ACTIVE")
	two.rebuilt(t, boot)
	if got := two.must(t, "sudo dd if=/dev/vda bs=1024 skip=900000 count=1 2>/dev/null | tr -d '\\000' | wc -c"); got != "0" {
		t.Error("the root volume holds what was written before:", got)
	}
	b.openstack("server", "delete", "--wait", "two")
	b.volume("root", "available")
	b.openstack("volume", "delete", "root")
}
