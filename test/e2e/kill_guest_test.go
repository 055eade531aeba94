//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// A drill is one volume of one real guest, and what is done to it while stackd is killed.
type drill struct {
	*bench
	t              *testing.T
	g              guest
	server, volume string
	sum            string // of what the guest wrote
	size, kept     int
	attached       bool
}

// do signs in and makes one call: stackd has been killed since the last.
func (d *drill) do(method, service, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	c, err := cloudtest.SignIn(ctx, d.env)
	if err != nil {
		return err
	}
	return c.Do(ctx, method, service, path, in, out)
}

// must does what the cloud has to take.
func (d *drill) must(method, service, path string, in any) {
	d.t.Helper()
	if err := d.do(method, service, path, in, nil); err != nil {
		d.t.Fatal(err)
	}
}

// cut is one act, and stackd killed some time after it was taken; then the act's end is
// awaited, and the guest reads what it wrote.
func (d *drill) cut(name string, after time.Duration, act func()) {
	d.t.Helper()
	act()
	time.Sleep(after)
	killed(d.t, d.bench)
	d.up()
	began := time.Now()
	d.rests(name)
	if d.attached {
		dev := d.g.disk(d.t, d.volume)
		until(d.t, fmt.Sprintf("the guest to see %d GiB", d.size), time.Minute, func() (bool, string) {
			out, err := d.g.run("cat /sys/block/" + dev + "/size")
			return err == nil && out == fmt.Sprint(d.size<<21), out
		})
		if got := d.g.sum(d.t, dev); got != d.sum {
			d.t.Fatalf("after %s the guest reads %s, want %s", name, got, d.sum)
		}
	}
	d.t.Logf("%s, killed after %s: at rest %s later", name, after, time.Since(began).Round(100*time.Millisecond))
}

// rests waits until the volume, its snapshots and its backups are what they should be.
func (d *drill) rests(name string) {
	d.t.Helper()
	want := "available"
	if d.attached {
		want = "in-use"
	}
	until(d.t, "the end of "+name, 2*time.Minute, func() (bool, string) {
		var v struct {
			Volume volume
		}
		if err := d.do("GET", "volumev3", "/volumes/"+d.volume, nil, &v); err != nil {
			return false, err.Error()
		}
		if v.Volume.Status != want || v.Volume.Size != d.size {
			return false, fmt.Sprintf("%s, %d GiB", v.Volume.Status, v.Volume.Size)
		}
		return d.copies()
	})
}

// copies tells whether all snapshots and backups are there, whole.
func (d *drill) copies() (bool, string) {
	n := 0
	for _, kind := range []string{"snapshots", "backups"} {
		out := map[string][]cloudtest.Thing{}
		if err := d.do("GET", "volumev3", "/"+kind+"/detail", nil, &out); err != nil {
			return false, err.Error()
		}
		for _, x := range out[kind] {
			if n++; x.Status != "available" {
				return false, x.ID + " is " + x.Status
			}
		}
	}
	return n == d.kept, fmt.Sprint(n, " copies, not ", d.kept)
}

func (d *drill) attach() {
	d.attached = true
	d.must("POST", "compute", "/servers/"+d.server+"/os-volume_attachments", map[string]any{"volumeAttachment": map[string]string{"volumeId": d.volume}})
}

func (d *drill) detach() {
	d.attached = false
	d.must("DELETE", "compute", "/servers/"+d.server+"/os-volume_attachments/"+d.volume, nil)
}

func (d *drill) extend() {
	d.size++
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	c, err := cloudtest.SignIn(ctx, d.env)
	if err == nil {
		_, err = c.Send(ctx, "POST", c.Catalog["volumev3"]+"/volumes/"+d.volume+"/action", map[string]string{"OpenStack-API-Version": "volume 3.42"}, map[string]any{"os-extend": map[string]int{"new_size": d.size}}, nil)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *drill) snapshot() {
	d.kept++
	d.must("POST", "volumev3", "/snapshots", map[string]any{"snapshot": map[string]any{"volume_id": d.volume, "force": true}})
}

func (d *drill) backUpNow() {
	d.kept++
	d.must("POST", "volumev3", "/backups", map[string]any{"backup": map[string]any{"volume_id": d.volume, "force": true, "incremental": d.kept > 3}})
}

// stackd, which is control plane and node in one, is killed at random instants while a
// volume is hot-plugged to a real guest, grown, snapshotted, backed up and pulled:
// whatever was asked for comes about, and the guest reads what it wrote. KILLS_GUEST says
// how often (20).
func TestKillGuest(t *testing.T) {
	file := image(t)
	b := newBench(t)
	guestOf := b.ready(t, file)
	b.boot("one", "--image", "tiny")
	b.openstack("volume", "create", "data", "--size", "1")
	b.volume("data", "available")
	b.status("one", "ACTIVE")
	d := &drill{bench: b, t: t, g: guestOf("one"), server: b.id("server", "one"), volume: b.id("volume", "data"), size: 1}
	d.g.says(t, "hostname", "one")
	d.attach()
	d.rests("the first attachment")
	d.sum = d.g.pattern(t, d.g.disk(t, d.volume), "drill")

	steps := []struct {
		name string
		act  func()
	}{{"a snapshot", d.snapshot}, {"growing", d.extend}, {"a backup", d.backUpNow}, {"detaching", d.detach}, {"attaching", d.attach}}
	began := time.Now()
	kills := number("KILLS_GUEST", 20)
	for n := range kills {
		s := steps[n%len(steps)]
		d.cut(s.name, time.Duration(rand.IntN(1500))*time.Millisecond, s.act)
	}
	t.Logf("%d kills in %s", kills, time.Since(began).Round(time.Second))
	d.nothingStays()
}

// nothingStays: with the guest, the volume and its copies go their bytes.
func (d *drill) nothingStays() {
	d.openstack("server", "delete", "--wait", "one")
	until(d.t, "the copies to be gone", time.Minute, func() (bool, string) {
		for _, kind := range []string{"snapshots", "backups"} {
			out := map[string][]cloudtest.Thing{}
			d.do("GET", "volumev3", "/"+kind, nil, &out)
			for _, x := range out[kind] {
				d.do("DELETE", "volumev3", "/"+kind+"/"+x.ID, nil, nil)
			}
		}
		d.kept = 0
		return d.copies()
	})
	d.must("DELETE", "volumev3", "/volumes/"+d.volume, nil)
	until(d.t, "no bytes to be left", time.Minute, func() (bool, string) {
		l, _ := filepath.Glob(filepath.Join(d.cloud.Data, "volumes", "*[0-9a-f]*-*"))
		n := d.keptBytes()
		return len(l) == 0 && n == 0, fmt.Sprint(strings.Join(l, " "), ", ", n, " bytes of backups")
	})
	until(d.t, "the machine to be clean", time.Minute, func() (bool, string) {
		l := keep(d.left(), func(s string) bool { return !strings.HasPrefix(s, "logical") })
		return len(l) == 0, strings.Join(l, "\n")
	})
}
