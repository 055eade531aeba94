package glance

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"stackd/internal/fault"

	"github.com/google/uuid"
)

// A NewLocation is a place where an image's bytes are already, and what they must be.
type NewLocation struct {
	URL       string
	Metadata  map[string]any
	Algorithm string
	Hash      string
	Checksum  string
}

// AddLocation gives a queued image bytes that lie somewhere; a task reads and hashes
// them. trusted may name stores of this cloud, others only addresses outside.
func (g *Imaging) AddLocation(ctx context.Context, id string, n NewLocation, trusted bool, request string, may func(*Image) error) error {
	_, err := g.Change(ctx, id, func(ctx context.Context, i *Image) error {
		if err := may(i); err != nil {
			return err
		}
		if i.Status != Queued {
			return fault.New(fault.Conflict, "It's not allowed to add locations if image status is %s.", i.Status)
		}
		if i.Upload != "" {
			return fault.New(fault.Conflict, "New operation on image '%s' is not permitted as prior operation is still in progress", id)
		}
		if strings.HasPrefix(n.URL, "http") && g.webStore() == nil || !strings.HasPrefix(n.URL, "http") && !trusted {
			return fault.New(fault.Forbidden, "http store must be enabled to use location API by normal user.")
		}
		if err := n.valid(); err != nil {
			return err
		}
		l, err := g.Locate(ctx, i, n.URL, n.Metadata)
		if err != nil {
			return err
		}
		shown, err := json.Marshal(map[string]any{"image_id": id, "loc_url": n.URL, "validation_data": map[string]string{"os_hash_algo": n.Algorithm, "os_hash_value": n.Hash}})
		if err != nil {
			return err
		}
		t := &Task{ID: uuid.NewString(), Type: TaskLocation, ImageID: id, RequestID: request, Input: TaskInput{URL: n.URL, Hash: n.Hash, Shown: shown}}
		i.Locations, i.Status, i.Upload, i.TouchedAt = []Location{l}, Importing, t.ID, g.Now()
		return g.NewTask(ctx, t)
	})
	return err
}

// valid checks what is said of the bytes.
func (n NewLocation) valid() error {
	if n.Algorithm != "" && n.Algorithm != "sha512" {
		return fault.New(fault.Invalid, "os_hash_algo must be sha512, not %s", n.Algorithm)
	}
	if n.Hash == "" {
		return nil
	}
	if strings.Trim(n.Hash, "0123456789abcdefABCDEF") != "" || len(n.Hash)%2 != 0 {
		return fault.New(fault.Invalid, "os_hash_value (%s) is not a valid hexadecimal value", n.Hash)
	}
	if len(n.Hash) != 128 {
		return fault.New(fault.Invalid, "os_hash_value: (%s) is not the correct size for sha512 (should be 64 bytes)", n.Hash)
	}
	return nil
}

func (g *Imaging) webStore() *Place {
	n := slices.IndexFunc(g.places, func(p *Place) bool { return p.Type == "http" })
	if n < 0 {
		return nil
	}
	return g.places[n]
}

// Locate is the location of an address, for an image that may have it: outside, one
// that images may be fetched from; inside, one of a store and of no other image.
func (g *Imaging) Locate(ctx context.Context, i *Image, address string, metadata map[string]any) (Location, error) {
	bad := fault.New(fault.Invalid, "Invalid location")
	u, err := url.Parse(address)
	if err != nil {
		return Location{}, bad.Because(err)
	}
	if metadata == nil {
		metadata = map[string]any{}
	}
	if u.Scheme == "http" || u.Scheme == "https" {
		p := g.webStore()
		if p == nil {
			return Location{}, bad
		}
		if err := g.fetch.Allowed(address); err != nil {
			return Location{}, bad.Because(err)
		}
		return Location{Store: p.ID, URL: address, Metadata: metadata}, nil
	}
	if u.Scheme == "file" || u.Scheme == "filesystem" { // never: they would read the host
		return Location{}, bad
	}
	for _, p := range g.places {
		name := address[strings.LastIndexByte(address, '/')+1:]
		if u.Scheme == "rbd" && name == "snap" {
			name = address[strings.LastIndexByte(strings.TrimSuffix(address, "/snap"), '/')+1 : len(address)-len("/snap")]
		}
		if p.Backend == nil || name == "" || p.Backend.URL(name) != address {
			continue
		}
		if other, err := g.LocatedAt(ctx, `"name":"`+name+`"`, i.ID); err != nil || other != "" || uuid.Validate(name) == nil && name != i.ID {
			return Location{}, bad.Because(err)
		}
		return Location{Store: p.ID, Name: name, Metadata: metadata}, nil
	}
	return Location{}, bad
}

// locate reads the bytes of a location for their hashes, and makes the image active.
func (g *Imaging) locate(ctx context.Context, j *job) error {
	if len(j.i.Locations) == 0 { // it was being given up when a process died
		return fault.New(fault.Invalid, "The location cannot be read.")
	}
	s, err := g.sink(ctx, j.i, j.i.DiskFormat, g.opts.ImageSizeCap)
	if err != nil {
		return err
	}
	if !g.opts.NoLocationHash {
		if err := g.readThrough(ctx, j, s); err != nil {
			return err
		}
	}
	return g.end(ctx, j.i, func(ctx context.Context, now *Image) error {
		now.Status, now.HashValue = Active, j.t.Input.Hash
		if !g.opts.NoLocationHash {
			s.facts(now)
		}
		if j.t.Input.Hash != "" && !strings.EqualFold(now.HashValue, j.t.Input.Hash) {
			return fault.New(fault.Invalid, "The bytes at the location have not the hash that was given.")
		}
		return g.done(ctx, j.t, Success, "")
	})
}

func (g *Imaging) readThrough(ctx context.Context, j *job, s *sink) error {
	body, size, err := g.openAt(ctx, j.i.Locations[0])
	if err != nil {
		return fault.New(fault.Invalid, "The location cannot be read.").Because(err)
	}
	defer body.Close()
	s.w = nowhere{}
	if err := s.drink(body, func() error { return g.touch(ctx, j.i) }); err != nil {
		return full(err)
	}
	if size >= 0 && s.n != size {
		return fault.New(fault.Invalid, "The location ended after %d of %d bytes.", s.n, size)
	}
	return full(s.judge())
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// DropFrom removes an image's bytes from one of its stores.
func (g *Imaging) DropFrom(ctx context.Context, id, store string, may func(*Image) error) error {
	if g.Place(store) == nil {
		return fault.New(fault.Conflict, "The selected store %s is not available on this node.", store)
	}
	if i, err := g.Get(ctx, id); err != nil {
		return err
	} else if n := i.In(store); n >= 0 {
		if err := g.idle(ctx, i.Locations[n]); err != nil {
			return err
		}
	}
	_, err := g.Change(ctx, id, func(ctx context.Context, i *Image) error {
		if err := may(i); err != nil {
			return err
		}
		switch n := i.In(store); {
		case i.Status != Active || i.Upload != "":
			return fault.New(fault.Conflict, "It's not allowed to remove image data from store if image status is not 'active'")
		case len(i.Locations) == 1:
			return fault.New(fault.Forbidden, "Cannot delete image data from the only store containing it. Consider deleting the image instead.")
		case n < 0:
			return fault.New(fault.NotFound, "Image %s is not stored in store %s.", id, store)
		default:
			return g.RemoveLocation(ctx, i, n)
		}
	})
	return err
}

// RemoveLocation takes one of an image's locations away, with its bytes if they are ours.
func (g *Imaging) RemoveLocation(ctx context.Context, i *Image, n int) error {
	l := i.Locations[n]
	i.Locations = slices.Delete(slices.Clone(i.Locations), n, n+1)
	g.After(ctx, func() { g.clearGone(i.ID) })
	return g.leave(ctx, i.ID, l)
}

// A Holder is a Backend whose bytes may be in use by others.
type Holder interface {
	InUse(ctx context.Context, name string) (bool, error)
}

// idle refuses to remove bytes that somebody builds on.
func (g *Imaging) idle(ctx context.Context, ls ...Location) error {
	for _, l := range ls {
		h, ok := g.backend(l.Store).(Holder)
		if !ok || l.URL != "" {
			continue
		}
		if used, err := h.InUse(ctx, l.Name); err != nil || used {
			return fault.New(fault.Conflict, "Image %s could not be deleted because it is in use", l.Name).Because(err)
		}
	}
	return nil
}
