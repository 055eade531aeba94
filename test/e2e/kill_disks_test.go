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
	"sync/atomic"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// disks is a load on volumes: made of an image, of each other and of snapshots, attached,
// detached, grown, kept, and deleted, whatever happens to the cloud.
type disks struct {
	*load
	servers []string
	content []byte // of the image; volumes whose name begins with img have it
	done    atomic.Int64
}

type volume struct {
	ID, Name, Status string
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

// churn does one thing after the other. Errors are expected.
func (d *disks) churn(ctx context.Context, name string) {
	c := d.client(ctx)
	for n := 0; ctx.Err() == nil; n++ {
		call, cancel := context.WithTimeout(ctx, 5*time.Second)
		if d.act(call, c, fmt.Sprintf("%s-%d", name, n)) == nil {
			d.done.Add(1)
		}
		cancel()
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
	}
}

func (d *disks) act(ctx context.Context, c *cloudtest.Client, name string) error {
	all := d.volumes(ctx, c)
	if len(all) < 4 {
		return d.create(ctx, c, map[string]any{"name": "img-" + name, "size": 1, "imageRef": d.imageID})
	}
	v := all[rand.IntN(len(all))]
	server := d.servers[rand.IntN(len(d.servers))]
	from := strings.SplitN(v.Name, "-", 2)[0] + "-" + name
	post := func(path string, body any) error { return c.Do(ctx, "POST", "volumev3", path, body, nil) }
	switch what := rand.IntN(14); {
	case what == 0 && len(all) < 12:
		return d.create(ctx, c, map[string]any{"name": "nil-" + name, "size": 1})
	case what == 1 && len(all) < 12:
		return d.create(ctx, c, map[string]any{"name": from, "size": v.Size, "source_volid": v.ID})
	case what < 4:
		return c.Do(ctx, "POST", "compute", "/servers/"+server+"/os-volume_attachments", map[string]any{"volumeAttachment": map[string]string{"volumeId": v.ID}}, nil)
	case what < 6:
		if len(v.Attachments) > 0 {
			server = v.Attachments[0].ServerID
		}
		return c.Do(ctx, "DELETE", "compute", "/servers/"+server+"/os-volume_attachments/"+v.ID, nil, nil)
	case what == 6:
		return post("/snapshots", map[string]any{"snapshot": map[string]any{"volume_id": v.ID, "name": v.Name, "force": true}})
	case what == 7:
		if ps := d.things(ctx, c, "snapshots"); len(ps) > 0 && len(all) < 12 {
			p := ps[rand.IntN(len(ps))]
			return d.create(ctx, c, map[string]any{"name": strings.SplitN(p.Name, "-", 2)[0] + "-" + name, "snapshot_id": p.ID})
		}
	case what == 8 && v.Size < 3:
		return post("/volumes/"+v.ID+"/action", map[string]any{"os-extend": map[string]int{"new_size": v.Size + 1}})
	case what == 9 || what > 11:
		return d.backUp(ctx, c, v, name)
	case what == 10:
		return c.Do(ctx, "DELETE", "volumev3", "/volumes/"+v.ID+"?cascade=true", nil, nil)
	}
	return nil
}

// backUp does something with backups: keeps a volume, whole or what changed, restores one
// to a new volume or over an old one of the same content, gives one up, or deletes it.
func (d *disks) backUp(ctx context.Context, c *cloudtest.Client, v volume, name string) error {
	post := func(path string, body any) error { return c.Do(ctx, "POST", "volumev3", path, body, nil) }
	all := d.things(ctx, c, "backups/detail")
	if len(all) < 6 && rand.IntN(2) == 0 || len(all) == 0 {
		return post("/backups", map[string]any{"backup": map[string]any{"volume_id": v.ID, "name": v.Name, "force": true, "incremental": rand.IntN(2) == 0}})
	}
	o := all[rand.IntN(len(all))]
	kind := strings.SplitN(o.Name, "-", 2)[0]
	switch rand.IntN(4) {
	case 0:
		return post("/backups/"+o.ID+"/restore", map[string]any{"restore": map[string]any{"name": kind + "-" + name}})
	case 1:
		if strings.HasPrefix(v.Name, kind) {
			return post("/backups/"+o.ID+"/restore", map[string]any{"restore": map[string]any{"volume_id": v.ID}})
		}
	case 2:
		if o.Status == "creating" || o.Status == "deleting" {
			return post("/backups/"+o.ID+"/action", map[string]any{"os-force_delete": map[string]any{}})
		}
	}
	return c.Do(ctx, "DELETE", "volumev3", "/backups/"+o.ID, nil, nil)
}

func (d *disks) create(ctx context.Context, c *cloudtest.Client, v map[string]any) error {
	return c.Do(ctx, "POST", "volumev3", "/volumes", map[string]any{"volume": v}, nil)
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
	want, checked := sha256.Sum256(d.content), 0
	for _, v := range d.volumes(t.Context(), c) {
		if (len(v.Attachments) == 1) != (held[v.ID] != "") || len(v.Attachments) == 1 && held[v.ID] != v.Attachments[0].ServerID {
			t.Errorf("compute says that %s has volume %s, block storage %v", held[v.ID], v.ID, v.Attachments)
		}
		delete(held, v.ID)
		if strings.HasPrefix(v.Name, "img-") {
			checked++
			if got := d.sum(t, v.ID); got != want {
				t.Errorf("volume %s (%s) has lost its content", v.ID, v.Name)
			}
		}
	}
	if len(held) > 0 {
		t.Error("held and not there:", held)
	}
	t.Logf("%d volumes of the image are whole", checked)
}

func (d *disks) sum(t *testing.T, id string) [32]byte {
	t.Helper()
	f, err := os.Open(filepath.Join(d.b.cloud.Data, "volumes", "volume-"+id))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, len(d.content))
	if _, err := io.ReadFull(f, b); err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}

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
		files, _ := filepath.Glob(filepath.Join(d.b.cloud.Data, "volumes", "*[0-9a-f]*-*"))
		kept := d.things(t.Context(), c, "backups")
		left := d.b.keptBytes()
		return len(all)+len(files)+len(kept) == 0 && left == 0, fmt.Sprint(len(all), " volumes, files ", files, ", ", len(kept), " backups, ", left, " bytes of them")
	})
}

func prepareDisks(t *testing.T, b *bench) *disks {
	t.Helper()
	d := &disks{load: prepareLoad(t, b), content: make([]byte, 1<<20)}
	for n := range d.content {
		d.content[n] = byte(rand.IntN(256))
	}
	d.upload(t, "raw", bytes.NewReader(d.content))
	c := d.client(t.Context())
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

// stackd is killed at random instants while volumes come and go on simulated hosts: in
// the end each is available or in use, whole, and nothing is left over. KILLS says how
// often (200).
func TestKillDisks(t *testing.T) {
	b := newBench(t, "--sim", "2")
	d := prepareDisks(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { d.churn(ctx, fmt.Sprintf("w%d", i)) })
	}
	for n := range number("KILLS", 200) {
		time.Sleep(time.Duration(rand.IntN(600)) * time.Millisecond)
		killed(t, b)
		b.up()
		if n%20 == 19 {
			t.Logf("%d kills, %d things done so far", n+1, d.done.Load())
		}
	}
	cancel()
	wg.Wait()
	if d.done.Load() == 0 {
		t.Fatal("the load did nothing")
	}
	d.resting(t, 2*time.Minute)
	d.settled(t, time.Minute)
	d.whole(t)
	d.nothing(t)
	d.nothingLeft(t)
}
