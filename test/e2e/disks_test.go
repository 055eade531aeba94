//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// volume waits until a volume has a status.
func (b *bench) volume(name, want string) {
	b.t.Helper()
	b.thing("volume", name, want)
}

func (b *bench) thing(kind, name, want string) {
	b.t.Helper()
	until(b.t, kind+" "+name+" to be "+want, 2*time.Minute, func() (bool, string) {
		args := append(strings.Fields(kind), "show", name, "-f", "value", "-c", "status")
		s := b.openstack(args...)
		if strings.HasPrefix(s, "error") && want != s {
			b.t.Fatal(kind, name, s)
		}
		return s == want, s
	})
}

// A disk in a guest, found by the volume's id, which is its serial.
func (g guest) disk(t *testing.T, volume string) string {
	t.Helper()
	dev := ""
	until(t, "the disk of volume "+volume, time.Minute, func() (bool, string) {
		out, err := g.run("cd /sys/block; for d in vd*; do [ \"$(cat $d/serial)\" = " + volume[:20] + " ] && echo $d; done; true")
		dev = strings.TrimSpace(out)
		return err == nil && strings.HasPrefix(dev, "vd"), fmt.Sprint(out, err)
	})
	return dev
}

// must runs a command in the guest.
func (g guest) must(t *testing.T, command string) string {
	t.Helper()
	out, err := g.run(command)
	if err != nil {
		t.Fatalf("%s in the guest at %s: %v: %s", command, g.address, err, out)
	}
	return out
}

const patternMiB = 16

// pattern writes what is easily known again over the beginning of a disk.
func (g guest) pattern(t *testing.T, dev, word string) string {
	t.Helper()
	g.must(t, fmt.Sprintf("yes %s | head -c %d | sudo dd of=/dev/%s bs=1048576 2>/dev/null; sync", word, patternMiB<<20, dev))
	return g.sum(t, dev)
}

func (g guest) sum(t *testing.T, dev string) string {
	t.Helper()
	return g.must(t, fmt.Sprintf("sudo sh -c 'echo 3 > /proc/sys/vm/drop_caches; head -c %d /dev/%s | sha256sum'", patternMiB<<20, dev))
}

// gone waits until a guest has no such disk.
func (g guest) gone(t *testing.T, dev string) {
	t.Helper()
	until(t, "the guest to be without "+dev, time.Minute, func() (bool, string) {
		out, err := g.run("ls /sys/block")
		return err == nil && !strings.Contains(out, dev), out
	})
}

// ready makes what guests need: an image, a flavor, a network that is reached from here.
func (b *bench) ready(t *testing.T, file string) (guestKey func(server string) guest) {
	t.Helper()
	b.openstack("network", "create", "public", "--external", "--provider-network-type", "flat", "--provider-physical-network", "physnet1")
	cidr := strings.TrimSuffix(b.cloud.Public, ".1/24")
	b.openstack("subnet", "create", "public-subnet", "--network", "public", "--subnet-range", cidr+".0/24", "--gateway", cidr+".1", "--no-dhcp", "--allocation-pool", "start="+cidr+".50,end="+cidr+".99")
	b.openstack("flavor", "create", "tiny", "--ram", "128", "--vcpus", "1", "--disk", "1")
	b.openstack("image", "create", "tiny", "--disk-format", "qcow2", "--container-format", "bare", "--file", file)
	pub, key := newKey(t, b.dir)
	b.openstack("keypair", "create", "k", "--public-key", pub)
	b.openstack("router", "create", "r")
	b.openstack("router", "set", "r", "--external-gateway", "public")
	b.openstack("network", "create", "net")
	b.openstack("subnet", "create", "sub", "--network", "net", "--subnet-range", "10.1.0.0/24")
	b.openstack("router", "add", "subnet", "r", "sub")
	b.openstack("security", "group", "create", "open")
	b.openstack("security", "group", "rule", "create", "open", "--protocol", "tcp", "--dst-port", "22")
	return func(server string) guest { return guest{b.floating(server), key} }
}

var likeOne = []string{"--flavor", "tiny", "--network", "net", "--key-name", "k", "--security-group", "open"}

func (b *bench) boot(name string, more ...string) {
	b.openstack(append(append([]string{"server", "create", name}, likeOne...), more...)...)
}

// id is a thing's id.
func (b *bench) id(kind, name string) string {
	b.t.Helper()
	return b.openstack(append(strings.Fields(kind), "show", name, "-f", "value", "-c", "id")...)
}

// A volume's days: written by one guest, larger, kept as it was, backed up, read by
// another; and stackd is killed on the way.
func TestDisks(t *testing.T) {
	file := image(t)
	b := newBench(t)
	guestOf := b.ready(t, file)
	b.boot("one", "--image", "tiny")
	b.openstack("volume", "create", "data", "--size", "1")
	b.volume("data", "available")
	b.status("one", "ACTIVE")
	one := guestOf("one")
	one.says(t, "hostname", "one")

	data := b.id("volume", "data")
	b.openstack("server", "add", "volume", "one", "data")
	b.volume("data", "in-use")
	dev := one.disk(t, data)
	sum := one.pattern(t, dev, "first")

	b.openstack("--os-volume-api-version", "3.42", "volume", "set", "data", "--size", "2")
	b.volume("data", "in-use")
	until(t, "the guest to see 2 GiB", time.Minute, func() (bool, string) {
		out, err := one.run("cat /sys/block/" + dev + "/size")
		return err == nil && out == "4194304", out
	})

	b.openstack("volume", "snapshot", "create", "then", "--volume", "data", "--force")
	killed(t, b)
	b.up()
	b.thing("volume snapshot", "then", "available")
	if got := one.sum(t, dev); got != sum {
		t.Fatal("the guest reads", got, "want", sum)
	}
	b.backUp("data", "whole")
	whole := b.keptBytes()
	second := one.pattern(t, dev, "second")
	if second == sum {
		t.Fatal("the second pattern is the first")
	}
	b.backUp("data", "changed", "--incremental")
	if n := b.keptBytes(); whole == 0 || n >= 3*whole {
		t.Errorf("a backup of %d bytes, and what changed in %d", whole, n-whole)
	}

	b.openstack("server", "remove", "volume", "one", "data")
	killed(t, b)
	b.up()
	b.volume("data", "available")
	one.gone(t, dev)

	b.openstack("volume", "create", "old", "--snapshot", "then", "--size", "2")
	b.openstack("volume", "create", "copy", "--source", "data", "--size", "2")
	b.volume("old", "available")
	b.volume("copy", "available")
	b.boot("two", "--image", "tiny", "--block-device", "source_type=volume,destination_type=volume,uuid="+b.id("volume", "old")+",boot_index=-1")
	b.status("two", "ACTIVE")
	two := guestOf("two")
	two.says(t, "hostname", "two")
	if got := two.sum(t, two.disk(t, b.id("volume", "old"))); got != sum {
		t.Fatal("the snapshot holds", got, "want", sum)
	}
	b.openstack("server", "add", "volume", "two", "copy")
	b.volume("copy", "in-use")
	if got := two.sum(t, two.disk(t, b.id("volume", "copy"))); got != second {
		t.Fatal("the copy holds", got, "want", second)
	}
	restored(t, b, two, sum, second)
	b.openstack("server", "delete", "--wait", "two")
	b.volume("old", "available")
	b.volume("copy", "available")

	bootFromVolume(t, b, guestOf)
	imageOfAServer(t, b, guestOf, one)

	b.openstack("server", "delete", "--wait", "one")
	b.openstack("volume", "snapshot", "delete", "then")
	for _, v := range []string{"data", "old", "copy"} {
		until(t, v+" to be deletable", time.Minute, func() (bool, string) {
			out, err := b.try("volume", "delete", v)
			return err == nil, out
		})
	}
	until(t, "no volume's bytes to be left", time.Minute, func() (bool, string) {
		l, _ := filepath.Glob(filepath.Join(b.cloud.Data, "volumes", "*[0-9a-f]*-*"))
		return len(l) == 0, strings.Join(l, " ")
	})
	until(t, "the machine to be clean", time.Minute, func() (bool, string) {
		l := keep(b.left(), func(s string) bool { return !strings.HasPrefix(s, "logical") })
		return len(l) == 0, strings.Join(l, "\n")
	})
}

// bootFromVolume: a server whose root is a volume keeps what it wrote when it is made
// into an image and when it is gone.
func bootFromVolume(t *testing.T, b *bench, guestOf func(string) guest) {
	t.Helper()
	b.openstack("volume", "create", "root", "--image", "tiny", "--size", "1")
	b.volume("root", "available")
	b.boot("three", "--volume", "root")
	b.status("three", "ACTIVE")
	three := guestOf("three")
	three.says(t, "hostname", "three")
	if img := b.openstack("server", "show", "three", "-f", "value", "-c", "image"); !strings.Contains(img, "N/A") && img != "" {
		t.Error("a server booted from a volume shows the image", img)
	}
	b.openstack("server", "image", "create", "three", "--name", "three-image", "--wait")
	b.boot("four", "--image", "three-image")
	b.status("four", "ACTIVE")
	four := guestOf("four")
	four.says(t, "hostname", "four")
	made := b.openstack("server", "show", "four", "-f", "value", "-c", "volumes_attached")
	b.openstack("server", "delete", "--wait", "three", "four")
	b.volume("root", "available")
	for _, word := range strings.FieldsFunc(made, func(r rune) bool { return strings.ContainsRune(" '\"{}[],:=", r) }) {
		if len(word) == 36 {
			b.volume(word, "available")
			b.openstack("volume", "delete", word)
		}
	}
	b.openstack("image", "delete", "three-image")
	snapshots := b.openstack("volume", "snapshot", "list", "--volume", "root", "-f", "value", "-c", "ID")
	b.openstack("volume", "snapshot", "delete", snapshots)
	until(t, "root to be deletable", time.Minute, func() (bool, string) {
		out, err := b.try("volume", "delete", "root")
		return err == nil, out
	})
}

// imageOfAServer: what a running guest has on its own disk is in its image.
func imageOfAServer(t *testing.T, b *bench, guestOf func(string) guest, one guest) {
	t.Helper()
	word := fmt.Sprint("word-", time.Now().UnixNano())
	one.must(t, "yes "+word+" | head -c 65536 | sudo dd of=/dev/vda bs=65536 seek=$(( $(cat /sys/block/vda/size) / 128 - 2 )) conv=notrunc 2>/dev/null; sync")
	b.openstack("server", "image", "create", "one", "--name", "one-image", "--wait")
	out := filepath.Join(b.dir, "one.qcow2")
	b.openstack("image", "save", "one-image", "--file", out)
	defer os.Remove(out)
	b.boot("five", "--image", "one-image")
	b.status("five", "ACTIVE")
	five := guestOf("five")
	five.says(t, "hostname", "five")
	five.says(t, "sudo dd if=/dev/vda bs=65536 skip=$(( $(cat /sys/block/vda/size) / 128 - 2 )) count=1 2>/dev/null | head -c 64", word)
	b.openstack("server", "delete", "--wait", "five")
	b.openstack("image", "delete", "one-image")
}
