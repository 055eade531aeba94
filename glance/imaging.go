package glance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// Imaging is the verbs of the image service.
type Imaging struct {
	Store
	opts    Options
	places  []*Place
	staging Staging
	cache   CacheDir // nil: nothing is cached
	limits  Limits
	certs   Certificates
	regions Regions
	shaper  Shaper
	fetch   Fetcher
	guard   Protections
	woken   func()
	tokens  sync.Map // of callers, by the tasks that need them; never kept anywhere else
}

// Parts are what Imaging is put together from. What is nil is not there.
type Parts struct {
	Options      Options // filled
	Places       []*Place
	Staging      Staging
	Cache        CacheDir
	Limits       Limits
	Certificates Certificates
	Regions      Regions
	Shaper       Shaper
	Fetcher      Fetcher
	Protections  Protections
}

// New makes Imaging over its store and its parts.
func New(s Store, p Parts) *Imaging {
	g := &Imaging{Store: s, opts: p.Options, places: p.Places, staging: p.Staging, cache: p.Cache, limits: p.Limits, certs: p.Certificates, regions: p.Regions, shaper: p.Shaper, fetch: p.Fetcher, guard: p.Protections}
	if g.limits == nil {
		g.limits = noLimits{}
	}
	if g.certs == nil {
		g.certs = noCertificates{}
	}
	return g
}

// Woken sets what is called when there is work for the loop of tasks.
func (g *Imaging) Woken(f func()) { g.woken = f }

func (g *Imaging) wake() {
	if g.woken != nil {
		g.woken()
	}
}

// Create makes an image without bytes. i has what the caller asked for.
func (g *Imaging) Create(ctx context.Context, i *Image) error {
	if i.ID == "" {
		i.ID = uuid.NewString()
	}
	i.Status, i.CreatedAt = Queued, g.Now()
	i.UpdatedAt = i.CreatedAt
	return g.Tx(ctx, func(ctx context.Context) error {
		if err := g.enforce(ctx, i.Owner, CountTotal, 1); err != nil {
			return err
		}
		return g.Insert(ctx, i)
	})
}

// Get is an image that the caller in ctx may see; anyone's when there is none.
func (g *Imaging) Get(ctx context.Context, id string) (*Image, error) {
	i, err := g.Image(ctx, id)
	if err != nil {
		return nil, err
	}
	who := token.From(ctx)
	if i.seen(who, nil) {
		return i, nil
	}
	members, err := g.Members(ctx, id)
	if err != nil {
		return nil, err
	}
	if !i.seen(who, members) {
		return nil, NotFound(id)
	}
	return i, nil
}

// Change changes an image in one transaction; f says what, or why not.
func (g *Imaging) Change(ctx context.Context, id string, f func(context.Context, *Image) error) (*Image, error) {
	var out *Image
	err := g.Tx(ctx, func(ctx context.Context) error {
		i, err := g.Get(ctx, id)
		if err != nil {
			return err
		}
		if err := f(ctx, i); err != nil {
			return err
		}
		i.UpdatedAt, out = g.Now(), i
		return g.Update(ctx, i)
	})
	return out, err
}

// Remove deletes an image and its bytes. A move of bytes that is under way clears up
// after itself when it finds the image gone.
func (g *Imaging) Remove(ctx context.Context, id string, may func(*Image) error) error {
	if i, err := g.Get(ctx, id); err != nil {
		return err
	} else if err := g.idle(ctx, i.Locations...); err != nil {
		return err
	}
	return g.Tx(ctx, func(ctx context.Context) error {
		i, err := g.Get(ctx, id)
		if err != nil {
			return err
		}
		if err := may(i); err != nil {
			return err
		}
		if i.Protected {
			return fault.New(fault.Forbidden, "Image %s is protected and cannot be deleted.", id)
		}
		if i.Upload == "" { // what is staged goes, too
			rows, err := g.Booked(ctx, id)
			for _, b := range rows {
				err = errors.Join(err, g.leave(ctx, id, Location{Store: b.Store, Name: b.Name}))
			}
			if err != nil {
				return err
			}
		}
		if err := g.leave(ctx, id, i.Locations...); err != nil {
			return err
		}
		g.After(ctx, func() { g.clearGone(id); g.uncache(context.Background(), id) })
		return g.Delete(ctx, id)
	})
}

// Open opens an image's bytes, for whoever may have them; size in bytes.
func (g *Imaging) Open(ctx context.Context, id string) (io.ReadSeekCloser, int64, error) {
	i, err := g.Get(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	if len(i.Locations) == 0 || i.Status != Active && i.Status != Deactivated {
		return nil, 0, NotFound(id)
	}
	if body, size, ok := g.cached(ctx, i); ok {
		return body, size, nil
	}
	return g.open(ctx, i)
}

// Tend puts dead uploads back to queued and removes bytes that belong to nothing.
func (g *Imaging) Tend(ctx context.Context) {
	tick := time.NewTicker(stale / 2)
	defer tick.Stop()
	for {
		if err := g.tend(ctx); err != nil && ctx.Err() == nil {
			slog.Error("images cannot be tidied", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (g *Imaging) tend(ctx context.Context) error {
	dead, err := g.Uploading(ctx, g.Now().Add(-stale))
	for _, i := range dead {
		err = errors.Join(err, g.giveUp(ctx, i))
	}
	err = errors.Join(err, g.tidy(ctx), g.CleanCache(ctx), g.Tx(ctx, func(ctx context.Context) error { return g.ExpireTasks(ctx, g.Now()) }))
	if _, _, e := g.PruneCache(ctx); e != nil {
		err = errors.Join(err, e)
	}
	return err
}

// Share lets another project have a shared image.
func (g *Imaging) Share(ctx context.Context, id, project string, may func(*Image) error) (*Member, error) {
	var out *Member
	err := g.Tx(ctx, func(ctx context.Context) error {
		i, have, err := g.shared(ctx, id, may)
		if err != nil {
			return err
		}
		if i.Visibility != "shared" {
			return fault.New(fault.Forbidden, "Only shared images have members.")
		}
		if slices.ContainsFunc(have, func(m Member) bool { return m.ProjectID == project }) {
			return fault.New(fault.Conflict, "Member %s is duplicated for image %s", project, id)
		}
		out = &Member{ImageID: id, ProjectID: project, Status: "pending", CreatedAt: g.Now(), UpdatedAt: g.Now()}
		return g.SaveMember(ctx, out)
	})
	return out, err
}

// shared is an image and its members, of which others than the owner see only themselves.
func (g *Imaging) shared(ctx context.Context, id string, may func(*Image) error) (*Image, []Member, error) {
	i, err := g.Get(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := may(i); err != nil {
		return nil, nil, err
	}
	have, err := g.Members(ctx, id)
	if who := token.From(ctx); who != nil && !who.Admin() && who.Project.ID != i.Owner {
		have = slices.DeleteFunc(have, func(m Member) bool { return m.ProjectID != who.Project.ID })
	}
	return i, have, err
}

// Sharers are an image's members, as far as the caller may know them.
func (g *Imaging) Sharers(ctx context.Context, id string) ([]Member, error) {
	_, have, err := g.shared(ctx, id, func(i *Image) error {
		if i.Visibility != "shared" {
			return fault.New(fault.Forbidden, "Only shared images have members.")
		}
		return nil
	})
	return have, err
}

// Sharer is one of an image's members.
func (g *Imaging) Sharer(ctx context.Context, id, project string) (*Member, error) {
	have, err := g.Sharers(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, m := range have {
		if m.ProjectID == project {
			return &m, nil
		}
	}
	return nil, fault.New(fault.NotFound, "%s not found in the member list of the image %s.", project, id)
}

// Answer lets a member accept or reject an image.
func (g *Imaging) Answer(ctx context.Context, id, project, status string) (*Member, error) {
	var out *Member
	err := g.Tx(ctx, func(ctx context.Context) (err error) {
		if out, err = g.Sharer(ctx, id, project); err != nil {
			return err
		}
		out.Status, out.UpdatedAt = status, g.Now()
		return g.SaveMember(ctx, out)
	})
	return out, err
}

// Unshare takes an image away from a project.
func (g *Imaging) Unshare(ctx context.Context, id, project string, may func(*Image) error) error {
	return g.Tx(ctx, func(ctx context.Context) error {
		if _, _, err := g.shared(ctx, id, may); err != nil {
			return err
		}
		if _, err := g.Sharer(ctx, id, project); err != nil {
			return err
		}
		return g.DeleteMember(ctx, id, project)
	})
}
