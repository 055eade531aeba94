//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// disks is a load on volumes of two backends, whatever happens to the cloud: see acts.
type disks struct {
	*load
	servers []string
	images  []content // volumes whose kind is img and its number begin with one
	mu      sync.Mutex
	done    map[string]int // what was done, how often
}

type content struct {
	id    string
	bytes []byte
}

type volume struct {
	ID, Name, Status string
	Type             string `json:"volume_type"`
	Size             int
	Attachments      []struct {
		ServerID string `json:"server_id"`
	}
}

func (d *disks) volumes(ctx context.Context, c *cloudtest.Client) []volume {
	var out struct{ Volumes []volume }
	c.Do(ctx, "GET", "volumev3", "/volumes/detail", nil, &out)
	return out.Volumes
}

func (d *disks) things(ctx context.Context, c *cloudtest.Client, kind string) []cloudtest.Thing {
	out := map[string][]cloudtest.Thing{}
	c.Do(ctx, "GET", "volumev3", "/"+kind, nil, &out)
	return out[kind]
}

// resting waits until nothing is on its way, and looks that nothing went wrong.
func (d *disks) resting(t *testing.T, most time.Duration) {
	t.Helper()
	c := d.client(t.Context())
	until(t, "volumes, snapshots and backups to rest", most, func() (bool, string) {
		now := ""
		for _, v := range d.volumes(t.Context(), c) {
			if strings.HasPrefix(v.Status, "error") {
				t.Fatalf("volume %s is in %s", v.ID, v.Status)
			}
			if v.Status != "available" && v.Status != "in-use" || (v.Status == "in-use") != (len(v.Attachments) > 0) {
				now += fmt.Sprintf("volume %s is %s with %d attachments; ", v.ID, v.Status, len(v.Attachments))
			}
		}
		for _, kind := range []string{"snapshots", "backups"} {
			for _, p := range d.things(t.Context(), c, kind+"/detail") {
				if strings.HasPrefix(p.Status, "error") {
					t.Fatalf("%s %s is in %s", kind, p.ID, p.Status)
				}
				if p.Status != "available" {
					now += kind + " " + p.ID + " is " + p.Status + "; "
				}
			}
		}
		return now == "", now
	})
}

// whole looks that compute and block storage agree, and that no byte was lost.
func (d *disks) whole(t *testing.T) {
	t.Helper()
	c := d.client(t.Context())
	held := map[string]string{}
	for _, s := range d.servers {
		var out struct {
			All []struct {
				VolumeID string `json:"volumeId"`
			} `json:"volumeAttachments"`
		}
		if err := c.Do(t.Context(), "GET", "compute", "/servers/"+s+"/os-volume_attachments", nil, &out); err != nil {
			t.Fatal(err)
		}
		for _, a := range out.All {
			held[a.VolumeID] = s
		}
	}
	sums := map[string][32]byte{}
	for n, i := range d.images {
		sums[fmt.Sprint("img", n)] = sha256.Sum256(i.bytes)
	}
	checked := map[string]int{}
	for _, v := range d.volumes(t.Context(), c) {
		if (len(v.Attachments) == 1) != (held[v.ID] != "") || len(v.Attachments) == 1 && held[v.ID] != v.Attachments[0].ServerID {
			t.Errorf("compute says that %s has volume %s, block storage %v", held[v.ID], v.ID, v.Attachments)
		}
		delete(held, v.ID)
		if v.kind() == "nil" {
			continue
		}
		checked[v.kind()[:3]]++
		got := d.sum(t, v)
		if want, known := sums[v.kind()]; known && got != want { // what is encrypted is as the first of its kind is
			t.Errorf("volume %s (%s) has lost its content", v.ID, v.Name)
		}
		sums[v.kind()] = got
	}
	if len(held) > 0 {
		t.Error("held and not there:", held)
	}
	if checked["img"] == 0 {
		t.Error("no volume of an image is left to look at")
	}
	t.Logf("whole volumes: %v", checked)
}

// sum is of what a volume of an image begins with: of an encrypted one, the header too.
func (d *disks) sum(t *testing.T, v volume) [32]byte {
	t.Helper()
	at, _ := filepath.Glob(filepath.Join(d.b.cloud.Data, "volumes*", "volume-"+v.ID))
	if len(at) != 1 {
		t.Fatalf("the bytes of volume %s are at %q", v.ID, at)
	}
	f, err := os.Open(at[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, imageSize)
	if strings.HasPrefix(v.kind(), "key") {
		b = make([]byte, imageSize+2<<20)
	}
	if _, err := io.ReadFull(f, b); err != nil {
		t.Fatal(err)
	}
	if len(b) > imageSize && !bytes.HasPrefix(b, []byte("LUKS\xba\xbe")) {
		t.Errorf("volume %s (%s) is no LUKS container", v.ID, v.Name)
	}
	return sha256.Sum256(b)
}

const imageSize = 1 << 20

// nothing deletes all, and then nothing is left: no row, no byte, no quota.
func (d *disks) nothing(t *testing.T) {
	t.Helper()
	c := d.client(t.Context())
	for _, s := range d.servers {
		if err := c.Do(t.Context(), "DELETE", "compute", "/servers/"+s, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "volumes and their bytes to be gone", 2*time.Minute, func() (bool, string) {
		for _, b := range d.things(t.Context(), c, "backups") {
			c.Do(t.Context(), "DELETE", "volumev3", "/backups/"+b.ID, nil, nil)
		}
		all := d.volumes(t.Context(), c)
		for _, v := range all {
			c.Do(t.Context(), "DELETE", "volumev3", "/volumes/"+v.ID+"?cascade=true", nil, nil)
		}
		files, _ := filepath.Glob(filepath.Join(d.b.cloud.Data, "volumes*", "*[0-9a-f]*-*"))
		kept := d.things(t.Context(), c, "backups")
		left := d.b.keptBytes()
		return len(all)+len(files)+len(kept) == 0 && left == 0, fmt.Sprint(len(all), " volumes, files ", files, ", ", len(kept), " backups, ", left, " bytes of them")
	})
}

func prepareDisks(t *testing.T, b *bench) *disks {
	t.Helper()
	d := &disks{load: prepareLoad(t, b), done: map[string]int{}}
	for range 3 {
		x := make([]byte, imageSize)
		for n := range x {
			x[n] = byte(rand.IntN(256))
		}
		d.upload(t, "raw", bytes.NewReader(x))
		d.images = append(d.images, content{d.imageID, x})
	}
	c := d.client(t.Context())
	d.types(t, c)
	quota := map[string]any{"quota_set": map[string]int{"volumes": -1, "snapshots": -1, "gigabytes": -1, "backups": -1, "backup_gigabytes": -1}}
	if err := c.Do(t.Context(), "PUT", "volumev3", "/os-quota-sets/"+filepath.Base(c.Catalog["volumev3"]), quota, nil); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		var out struct{ Server cloudtest.Thing }
		if err := c.Do(t.Context(), "POST", "compute", "/servers", map[string]any{"server": map[string]any{"name": fmt.Sprint("holder-", n), "flavorRef": d.flavorID, "imageRef": d.imageID, "networks": []any{map[string]string{"uuid": d.netID}}}}, &out); err != nil {
			t.Fatal(err)
		}
		d.servers = append(d.servers, out.Server.ID)
	}
	d.settled(t, time.Minute)
	return d
}

// types are one for each backend, and one whose volumes are encrypted.
func (d *disks) types(t *testing.T, c *cloudtest.Client) {
	t.Helper()
	for name, specs := range map[string]map[string]string{"files": {"volume_backend_name": "files"}, "more": {"volume_backend_name": "more"}, "locked": {}} {
		made, _, err := c.Ensure(t.Context(), "volumev3", "/types", "volume_types", "volume_type", name, map[string]any{"extra_specs": specs})
		if err == nil && name == "locked" {
			err = c.Do(t.Context(), "POST", "volumev3", "/types/"+made.ID+"/encryption", map[string]any{"encryption": map[string]any{"provider": "luks", "control_location": "front-end", "cipher": "aes-xts-plain64", "key_size": 256}}, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

const twoBackends = "volume:\n  backends:\n  - {name: files, kind: file}\n  - {name: more, kind: file}\n"

// settings gives a cloud that is not up yet its stackd.yaml.
func (b *bench) settings(text string) {
	b.t.Helper()
	err := os.MkdirAll(b.cloud.Data, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(b.cloud.Data, "stackd.yaml"), []byte(text), 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// longer lets the cloud live for five seconds, or until each act has been done once.
func (d *disks) longer(most time.Duration) {
	began := time.Now()
	for time.Since(began) < 5*time.Second || len(d.undone()) > 0 && time.Since(began) < most {
		time.Sleep(100 * time.Millisecond)
	}
}

// undone are the acts that have not been done yet.
func (d *disks) undone() (left []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range acts {
		if d.done[a.name] == 0 {
			left = append(left, a.name)
		}
	}
	return left
}

// stackd is killed at random instants while volumes of two backends come and go on
// simulated hosts: in the end each is available or in use, whole, and nothing is left
// over. KILLS says how often (200).
func TestKillDisks(t *testing.T) {
	b := makeBench(t, "--sim", "2")
	b.settings(twoBackends)
	b.up()
	d := prepareDisks(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { d.churn(ctx, fmt.Sprintf("w%d", i)) })
	}
	kills := number("KILLS", 200)
	for n := range kills {
		time.Sleep(time.Duration(rand.IntN(1200)) * time.Millisecond)
		if n%40 == 39 { // a life in which what takes several steps comes to its end
			d.longer(time.Minute)
		}
		killed(t, b)
		b.up()
		if n%20 == 19 {
			t.Logf("%d kills; done so far: %s", n+1, d.tally())
		}
	}
	cancel()
	wg.Wait()
	if left := d.undone(); len(left) > 0 && kills >= 400 {
		t.Errorf("nothing was done of this: %v", left)
	}
	d.resting(t, 2*time.Minute)
	d.settled(t, time.Minute)
	d.whole(t)
	d.nothing(t)
	d.nothingLeft(t)
}
