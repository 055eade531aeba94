//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"stackd/test/cloudtest"
)

// An act is one thing that is done to volumes; weight is how often, among all.
type act struct {
	name   string
	weight int
	do     func(d *disks, m *moment) error
}

// A moment is what there is when something is done.
type moment struct {
	context.Context
	c    *cloudtest.Client
	name string // for what is made
	all  []volume
	v    volume // one of them, by chance
}

// errIdle says that there was nothing to do it to.
var errIdle = fmt.Errorf("there is nothing for it")

// most is how many volumes there may be.
const most = 24

var acts = []act{
	{"volume", 2, func(d *disks, m *moment) error { return d.create(m, "nil", map[string]any{"size": 1}) }},
	{"volume of an image", 2, func(d *disks, m *moment) error {
		n := rand.IntN(len(d.images))
		return d.create(m, fmt.Sprint("img", n), map[string]any{"size": 1, "imageRef": d.images[n].id})
	}},
	{"encrypted volume", 1, func(d *disks, m *moment) error {
		return d.create(m, fmt.Sprintf("key%08x", rand.Uint32()), map[string]any{"size": 1, "imageRef": d.images[0].id, "volume_type": "locked"})
	}},
	{"clone", 3, func(d *disks, m *moment) error {
		m.idle()
		return d.create(m, m.v.kind(), map[string]any{"size": m.v.Size, "source_volid": m.v.ID})
	}},
	{"volume of a snapshot", 4, (*disks).fromSnapshot},
	{"attach", 4, func(d *disks, m *moment) error {
		m.idle()
		at := "/servers/" + d.servers[rand.IntN(len(d.servers))] + "/os-volume_attachments"
		return m.c.Do(m, "POST", "compute", at, map[string]any{"volumeAttachment": map[string]string{"volumeId": m.v.ID}}, nil)
	}},
	{"detach", 4, func(d *disks, m *moment) error {
		if len(m.v.Attachments) == 0 {
			return errIdle
		}
		return m.c.Do(m, "DELETE", "compute", "/servers/"+m.v.Attachments[0].ServerID+"/os-volume_attachments/"+m.v.ID, nil, nil)
	}},
	{"swap", 4, (*disks).swap},
	{"snapshot", 3, func(d *disks, m *moment) error {
		return m.post("/snapshots", map[string]any{"snapshot": map[string]any{"volume_id": m.v.ID, "name": m.v.Name, "force": true}})
	}},
	{"snapshot deleted", 2, func(d *disks, m *moment) error {
		ps := d.things(m, m.c, "snapshots")
		if len(ps) == 0 {
			return errIdle
		}
		return m.c.Do(m, "DELETE", "volumev3", "/snapshots/"+ps[rand.IntN(len(ps))].ID, nil, nil)
	}},
	{"extend", 2, func(d *disks, m *moment) error {
		if m.v.Size > 2 {
			return errIdle
		}
		return m.post("/volumes/"+m.v.ID+"/action", map[string]any{"os-extend": map[string]int{"new_size": m.v.Size + 1}})
	}},
	{"migrate", 5, func(d *disks, m *moment) error {
		if !m.idle() {
			return errIdle
		}
		return m.post("/volumes/"+m.v.ID+"/action", map[string]any{"os-migrate_volume": map[string]string{"host": "stackd@" + oneOf("files", "more") + "#volumes"}})
	}},
	{"migrate in use", 4, func(d *disks, m *moment) error {
		if !m.inUse() {
			return errIdle
		}
		return m.post("/volumes/"+m.v.ID+"/action", map[string]any{"os-migrate_volume": map[string]string{"host": "stackd@" + oneOf("files", "more") + "#volumes"}})
	}},
	{"retype", 3, func(d *disks, m *moment) error {
		if !m.idle() || m.v.Type == "locked" {
			return errIdle
		}
		return m.post("/volumes/"+m.v.ID+"/action", map[string]any{"os-retype": map[string]string{"new_type": oneOf("files", "more"), "migration_policy": "on-demand"}})
	}},
	{"backup", 3, func(d *disks, m *moment) error { return d.backUp(m, false) }},
	{"incremental backup", 3, func(d *disks, m *moment) error { return d.backUp(m, true) }},
	{"restore", 4, (*disks).restore},
	{"restore over", 3, (*disks).restoreOver},
	{"backup given up", 1, (*disks).giveUp},
	{"backup deleted", 2, func(d *disks, m *moment) error {
		o, err := d.kept(m)
		if err != nil {
			return err
		}
		return m.c.Do(m, "DELETE", "volumev3", "/backups/"+o.ID, nil, nil)
	}},
	{"volume deleted", 1, func(d *disks, m *moment) error {
		m.idle()
		return m.c.Do(m, "DELETE", "volumev3", "/volumes/"+m.v.ID+"?cascade=true", nil, nil)
	}},
}

// idle makes the volume one that nobody has, if there is such.
func (m *moment) idle() bool { return m.oneThatIs("available") }

// inUse makes it one that a server has.
func (m *moment) inUse() bool { return m.oneThatIs("in-use") }

func (m *moment) oneThatIs(status string) bool {
	all := slices.DeleteFunc(slices.Clone(m.all), func(v volume) bool { return v.Status != status })
	if len(all) > 0 {
		m.v = all[rand.IntN(len(all))]
	}
	return len(all) > 0
}

// swap has a free volume of the same kind take the place of one that a server has.
func (d *disks) swap(m *moment) error {
	if !m.inUse() {
		return errIdle
	}
	at := slices.IndexFunc(m.all, func(v volume) bool {
		return v.kind() == m.v.kind() && v.Status == "available" && v.Size >= m.v.Size
	})
	if len(m.v.Attachments) == 0 || at < 0 || !strings.HasPrefix(m.v.kind(), "img") {
		return errIdle
	}
	path := "/servers/" + m.v.Attachments[0].ServerID + "/os-volume_attachments/" + m.v.ID
	return m.c.Do(m, "PUT", "compute", path, map[string]any{"volumeAttachment": map[string]string{"volumeId": m.all[at].ID}}, nil)
}

func oneOf(words ...string) string { return words[rand.IntN(len(words))] }

// kind is the beginning of a volume's name, and of its backups': all of a kind begin
// with the same bytes.
func (v volume) kind() string { return kindOf(v.Name) }

func kindOf(name string) string { return strings.SplitN(name, "-", 2)[0] }

func (m *moment) post(path string, body any) error {
	return m.c.Do(m, "POST", "volumev3", path, body, nil)
}

// churn does one thing after the other. Errors are expected.
func (d *disks) churn(ctx context.Context, name string) {
	c := d.client(ctx)
	for n := 0; ctx.Err() == nil; n++ {
		call, cancel := context.WithTimeout(ctx, 5*time.Second)
		m := &moment{Context: call, c: c, name: fmt.Sprintf("%s-%d", name, n), all: d.volumes(call, c)}
		if a := d.next(m); a.do(d, m) == nil {
			d.did(a.name)
		}
		cancel()
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
	}
}

// next is an act by chance; with few volumes it is often one that makes one.
func (d *disks) next(m *moment) act {
	if len(m.all) == 0 || len(m.all) < 10 && rand.IntN(3) == 0 {
		return acts[rand.IntN(3)]
	}
	m.v = m.all[rand.IntN(len(m.all))]
	if len(m.all) > most-6 && rand.IntN(3) == 0 { // room for those that make some
		return acts[len(acts)-1]
	}
	sum := 0
	for _, a := range acts {
		sum += a.weight
	}
	n := rand.IntN(sum)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			return a
		}
	}
	panic("weights")
}

func (d *disks) did(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done[what]++
}

// tally is what was done, how often.
func (d *disks) tally() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := ""
	for _, a := range acts {
		out += fmt.Sprintf(", %s %d", a.name, d.done[a.name])
	}
	return strings.TrimPrefix(out, ", ")
}

// create makes a volume of a kind, unless there are many.
func (d *disks) create(m *moment, kind string, v map[string]any) error {
	if len(m.all) >= most {
		return errIdle
	}
	v["name"] = kind + "-" + m.name
	return m.post("/volumes", map[string]any{"volume": v})
}

func (d *disks) fromSnapshot(m *moment) error {
	ps := d.things(m, m.c, "snapshots")
	if len(ps) == 0 {
		return errIdle
	}
	p := ps[rand.IntN(len(ps))]
	return d.create(m, kindOf(p.Name), map[string]any{"snapshot_id": p.ID})
}

func (d *disks) backUp(m *moment, more bool) error {
	if len(d.things(m, m.c, "backups")) >= 8 {
		return errIdle
	}
	return m.post("/backups", map[string]any{"backup": map[string]any{"volume_id": m.v.ID, "name": m.v.Name, "force": true, "incremental": more}})
}

// kept is one of the backups.
func (d *disks) kept(m *moment) (volume, error) {
	var out struct{ Backups []volume }
	if err := m.c.Do(m, "GET", "volumev3", "/backups/detail", nil, &out); err != nil || len(out.Backups) == 0 {
		return volume{}, errIdle
	}
	return out.Backups[rand.IntN(len(out.Backups))], nil
}

func (d *disks) restore(m *moment) error {
	o, err := d.kept(m)
	if err != nil || len(m.all) >= most {
		return errIdle
	}
	return m.post("/backups/"+o.ID+"/restore", map[string]any{"restore": map[string]any{"name": o.kind() + "-" + m.name}})
}

// restoreOver writes over a volume of the same kind.
func (d *disks) restoreOver(m *moment) error {
	o, err := d.kept(m)
	if err != nil {
		return err
	}
	for _, v := range m.all {
		if v.kind() == o.kind() && v.Status == "available" && v.Size >= o.Size {
			return m.post("/backups/"+o.ID+"/restore", map[string]any{"restore": map[string]any{"volume_id": v.ID}})
		}
	}
	return errIdle
}

// giveUp deletes a backup that is being made.
func (d *disks) giveUp(m *moment) error {
	o, err := d.kept(m)
	if err != nil || o.Status != "creating" && o.Status != "deleting" {
		return errIdle
	}
	return m.post("/backups/"+o.ID+"/action", map[string]any{"os-force_delete": map[string]any{}})
}
