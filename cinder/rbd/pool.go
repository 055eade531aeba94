package rbd

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/ceph"
)

// Options say which pool, and as whom it is used.
type Options struct {
	ceph.Cluster
	Pool string
	// Dir is a folder for locks and for what is converted.
	Dir string
	// MaxDepth is how many clones may stand on each other before a new one is made to
	// stand alone; 0 is 5.
	MaxDepth int
}

// Pool is a cinder.Backend.
type Pool struct {
	Options
	room      aged[[2]float64]
	monitors  aged[[]string]
	key, fsid aged[string]
}

var (
	_ cinder.Backend = (*Pool)(nil)
	_ cinder.Keyed   = (*Pool)(nil)
	_ cinder.Tidied  = (*Pool)(nil)
)

// New makes a Pool; Ceph is not asked yet.
func New(o Options) (*Pool, error) {
	if o.MaxDepth == 0 {
		o.MaxDepth = 5
	}
	return &Pool{Options: o}, os.MkdirAll(o.Dir, 0o700)
}

// Features of RBD.
func (p *Pool) Features() cinder.Features {
	return cinder.Features{Protocol: "ceph", Vendor: "Open Source", Thin: true, Multiattach: true, ExtendInUse: true, SnapshotInUse: true, FastClone: true}
}

// An aged value is asked for again once it is old; who comes meanwhile takes the old one.
// That it could not be had is known for a little while, too.
type aged[T any] struct {
	mu     sync.Mutex
	value  T
	err    error
	at     time.Time
	asking bool
}

func (a *aged[T]) get(most time.Duration, ask func() (T, error)) (T, error) {
	a.mu.Lock()
	if a.err != nil {
		most = min(most, 5*time.Second)
	}
	if !a.at.IsZero() && (a.asking || time.Since(a.at) < most) {
		defer a.mu.Unlock()
		return a.value, a.err
	}
	a.asking = true
	a.mu.Unlock()
	v, err := ask()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.value, a.err, a.at, a.asking = v, err, time.Now(), false
	return v, err
}

// Capacity is what the pool may take, replicas counted, in GiB; it is at most 20 s old.
func (p *Pool) Capacity(ctx context.Context) (total, free float64, err error) {
	room, err := p.room.get(20*time.Second, func() ([2]float64, error) { return p.capacity(ctx) })
	return room[0], room[1], err
}

func (p *Pool) capacity(ctx context.Context) (room [2]float64, err error) {
	var df struct {
		Pools []struct {
			Name  string
			Stats struct {
				Stored, Max float64
				MaxAvail    float64 `json:"max_avail"`
			}
		}
	}
	var quota struct {
		Max float64 `json:"quota_max_bytes"`
	}
	if err := p.JSON(ctx, &df, "ceph", "df"); err != nil {
		return room, err
	}
	if err := p.JSON(ctx, &quota, "ceph", "osd", "pool", "get-quota", p.Pool); err != nil {
		return room, err
	}
	for _, x := range df.Pools {
		if x.Name == p.Pool {
			total, free := x.Stats.Stored+x.Stats.MaxAvail, x.Stats.MaxAvail
			if quota.Max > 0 {
				total = min(total, quota.Max)
				free = max(0, min(free, quota.Max-x.Stats.Stored))
			}
			return [2]float64{total / cinder.GiB, free / cinder.GiB}, nil
		}
	}
	return room, raw.Missing("pool", p.Pool)
}

// lock takes a volume's name.
func (p *Pool) lock(ctx context.Context, name string) (*raw.Lock, error) {
	return raw.Take(ctx, filepath.Join(p.Dir, ".lock"), name)
}

func volumeName(id string) (string, error) { return raw.Named("volume", "volume-", id) }

func snapshotName(id string) (string, error) { return raw.Named("snapshot", "snapshot-", id) }

// names are an image's and, when there is a snapshot, that one's.
func names(volume, snapshot string) (v, s string, err error) {
	if snapshot == "" {
		v, err = volumeName(volume)
		return v, "", err
	}
	return bothNames(volume, snapshot)
}

func bothNames(volume, snapshot string) (v, s string, err error) {
	if v, err = volumeName(volume); err == nil {
		s, err = snapshotName(snapshot)
	}
	return v, s, err
}
