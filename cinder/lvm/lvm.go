package lvm

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/converge"
)

// Tag is on whatever this package makes, so that it may be told from what others put into
// the group.
const Tag = "stackd"

// Options say which volume group.
type Options struct {
	Group   string
	Pool    string // the thin pool; "" is GROUP-pool
	Thick   bool   // make no thin volumes
	NoClear bool   // leave what a deleted thick volume held on the disk
	Dir     string // for locks and for what is converted
}

// Volumes is a cinder.Backend.
type Volumes struct {
	Options
	mu   sync.Mutex
	thin bool // the pool is known to be there
}

var _ cinder.Backend = (*Volumes)(nil)

// New makes Volumes; LVM is not asked yet.
func New(o Options) (*Volumes, error) {
	if o.Pool == "" {
		o.Pool = o.Group + "-pool"
	}
	return &Volumes{Options: o}, os.MkdirAll(o.Dir, 0o700)
}

// Features of logical volumes.
func (b *Volumes) Features() cinder.Features {
	return cinder.Features{Protocol: "iSCSI", Vendor: "Open Source", Thin: !b.Thick, Multiattach: true, ExtendInUse: true, SnapshotInUse: true, FastClone: !b.Thick}
}

// run runs one of LVM's programs; a group without room is final.
func (b *Volumes) run(ctx context.Context, l *raw.Lock, argv ...string) ([]byte, error) {
	t := raw.Tool{Argv: argv}
	if l != nil {
		t.Files = []*os.File{l.File}
	}
	out, err := t.Run(ctx)
	if err != nil && (strings.Contains(err.Error(), "nsufficient free space") || strings.Contains(err.Error(), "nsufficient suitable allocatable extents")) {
		err = converge.Final{Err: fmt.Errorf("%w: %w", cinder.ErrFull, err)}
	}
	return out, err
}

// act is run of what is not to be broken off halfway.
func (b *Volumes) act(ctx context.Context, l *raw.Lock, argv ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := b.run(context.WithoutCancel(ctx), l, argv...)
	return err
}

// An lv is a line of lvs.
type lv struct {
	Name   string `json:"lv_name"`
	Size   int64  `json:"lv_size,string"` // what it reads as: a thick snapshot's own room is more
	Whole  number `json:"origin_size"`
	Attr   string `json:"lv_attr"`
	Origin string `json:"origin"`
	Pool   string `json:"pool_lv"`
	Tags   string `json:"lv_tags"`
	Active string `json:"lv_active"`
	Used   number `json:"data_percent"`
}

// A number is one, or nothing.
type number float64

func (p *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "" {
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	*p = number(n)
	return err
}

// cow tells a thick snapshot: its lv holds what was written to the volume since.
func (v lv) cow() bool  { return v.Whole > 0 && strings.ContainsRune("sS", rune(v.Attr[0])) }
func (v lv) thin() bool { return v.Pool != "" }
func (v lv) open() bool { return len(v.Attr) > 5 && v.Attr[5] == 'o' }

// ungrown is the size before a growth that has not been zeroed yet, else the size.
func (v lv) ungrown() int64 {
	for t := range strings.SplitSeq(v.Tags, ",") {
		if n, err := strconv.ParseInt(strings.TrimPrefix(t, "grown."), 10, 64); err == nil && strings.HasPrefix(t, "grown.") {
			return n
		}
	}
	return v.Size
}

// of tells whether an lv is a snapshot of a volume.
func (v lv) of(volume string) bool {
	if slices.Contains(strings.Split(v.Tags, ","), ofTag(volume)) {
		return true
	}
	ours := strings.Contains(v.Tags, "of.")
	return !ours && v.Origin == volume && !strings.HasPrefix(v.Name, "volume-") && !strings.HasPrefix(v.Name, "new-")
}

// going tells whether somebody has begun to take a volume away.
func (v lv) going() bool { return slices.Contains(strings.Split(v.Tags, ","), goingTag) }

const goingTag = "going"

func ofTag(volume string) string { return "of." + volume }

// all are the group's logical volumes by name.
func (b *Volumes) all(ctx context.Context) (map[string]lv, error) {
	out, err := b.run(ctx, nil, "lvs", "--reportformat=json", "--units=b", "--nosuffix", "-o", "lv_name,lv_size,origin_size,lv_attr,origin,pool_lv,lv_tags,lv_active,data_percent", b.Group)
	if err != nil {
		return nil, err
	}
	var r struct{ Report []struct{ LV []lv } }
	if err := json.Unmarshal(out, &r); err != nil {
		return nil, fmt.Errorf("lvs: %w", err)
	}
	found := map[string]lv{}
	for _, part := range r.Report {
		for _, v := range part.LV {
			if v.cow() {
				v.Size = int64(v.Whole)
			}
			found[v.Name] = v
		}
	}
	return found, nil
}

// find is an lv that must be there; a volume may still have its old name.
func (b *Volumes) find(ctx context.Context, name string) (lv, error) {
	all, err := b.all(ctx)
	if err != nil {
		return lv{}, err
	}
	if v, ok := either(all, name); ok {
		return v, nil
	}
	return lv{}, raw.Missing("logical volume", name)
}

func either(all map[string]lv, name string) (lv, bool) {
	if v, ok := all[name]; ok {
		return v, true
	}
	v, ok := all["old-"+name]
	return v, ok
}

// Capacity is the group's, or the thin pool's once there is one, in GiB.
func (b *Volumes) Capacity(ctx context.Context) (total, free float64, err error) {
	all, err := b.all(ctx)
	if err != nil {
		return 0, 0, err
	}
	if p, ok := all[b.Pool]; ok && !b.Thick {
		total = float64(p.Size) / cinder.GiB
		return total, total * (1 - float64(p.Used)/100), nil
	}
	out, err := b.run(ctx, nil, "vgs", "--reportformat=json", "--units=b", "--nosuffix", "-o", "vg_size,vg_free", b.Group)
	if err != nil {
		return 0, 0, err
	}
	var r struct {
		Report []struct {
			VG []struct {
				Size float64 `json:"vg_size,string"`
				Free float64 `json:"vg_free,string"`
			}
		}
	}
	if err := json.Unmarshal(out, &r); err != nil || len(r.Report) == 0 || len(r.Report[0].VG) == 0 {
		return 0, 0, fmt.Errorf("vgs: no volume group in its report (%v)", err)
	}
	vg := r.Report[0].VG[0]
	return vg.Size / cinder.GiB, vg.Free / cinder.GiB, nil
}

// thinly tells whether a new volume is to be thin, and makes the pool where it can be.
func (b *Volumes) thinly(ctx context.Context, all map[string]lv) (bool, error) {
	if b.Thick {
		return false, nil
	}
	if _, ok := all[b.Pool]; ok {
		return true, nil
	}
	b.mu.Lock()
	was := b.thin
	b.mu.Unlock()
	if was {
		return false, fmt.Errorf("the thin pool %s/%s has gone", b.Group, b.Pool)
	}
	l, err := b.lock(ctx, "the pool")
	if err != nil {
		return false, err
	}
	defer l.Close()
	if all, err = b.all(ctx); err != nil {
		return false, err
	}
	if _, ok := all[b.Pool]; !ok {
		err = b.act(ctx, l, "lvcreate", "--yes", "--addtag", Tag, "--type=thin-pool", "-l", "95%FREE", "-n", b.Pool, b.Group)
		if err == nil { // a write that finds no room fails, in place of waiting for some
			err = b.act(ctx, l, "lvchange", "--yes", "--errorwhenfull=y", b.Group+"/"+b.Pool)
		}
		if err != nil {
			slog.Warn("there is no thin pool, and none can be made: volumes are thick", "group", b.Group, "cause", err)
			return false, ctx.Err()
		}
	}
	b.mu.Lock()
	b.thin = true
	b.mu.Unlock()
	return true, nil
}

func (b *Volumes) lock(ctx context.Context, name string) (*raw.Lock, error) {
	return raw.Take(ctx, filepath.Join(b.Dir, ".lock"), name)
}

// path is where an lv is found once it is active.
func (b *Volumes) path(name string) string { return "/dev/" + b.Group + "/" + name }

// open opens an lv, which is made active.
func (b *Volumes) open(ctx context.Context, v lv, flags int) (*raw.Disk, error) {
	if v.Active == "" {
		if err := b.act(ctx, nil, "lvchange", "--yes", "-ay", "-K", b.Group+"/"+v.Name); err != nil {
			return nil, err
		}
	}
	at, err := filepath.EvalSymlinks(b.path(v.Name))
	if err != nil {
		return nil, err
	}
	return raw.Open(at, flags)
}

func volumeName(id string) (string, error) { return raw.Named("volume", "volume-", id) }

func snapshotName(id string) (string, error) { return raw.Named("snapshot", "_snapshot-", id) }

func bothNames(volume, snapshot string) (v, s string, err error) {
	if v, err = volumeName(volume); err == nil {
		s, err = snapshotName(snapshot)
	}
	return v, s, err
}
