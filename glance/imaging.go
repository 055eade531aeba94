package glance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// Imaging is the verbs of the image service.
type Imaging struct {
	Store
	bytes Backend
}

// New makes Imaging over its store and the backend of images' bytes.
func New(s Store, b Backend) *Imaging { return &Imaging{s, b} }

// Create makes an image without bytes. i has what the caller asked for.
func (g *Imaging) Create(ctx context.Context, i *Image) error {
	if i.ID == "" {
		i.ID = uuid.NewString()
	}
	i.Status, i.CreatedAt = Queued, g.Now()
	i.UpdatedAt = i.CreatedAt
	return g.Tx(ctx, func(ctx context.Context) error { return g.Insert(ctx, i) })
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

// Remove deletes an image and its bytes.
func (g *Imaging) Remove(ctx context.Context, id string, may func(*Image) error) error {
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
		g.After(ctx, func() {
			ctx := context.Background()
			if err := errors.Join(g.bytes.Delete(ctx, id), g.bytes.Delete(ctx, staged(id))); err != nil {
				slog.Error("an image's bytes stay until the next sweep", "image", id, "cause", err)
			}
		})
		return g.Delete(ctx, id)
	})
}

// Open opens an image's bytes, for whoever may have them; size in bytes.
func (g *Imaging) Open(ctx context.Context, id string) (io.ReadSeekCloser, int64, error) {
	i, err := g.Get(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	if i.Size == nil || i.Status != Active && i.Status != Deactivated {
		return nil, 0, NotFound(id)
	}
	return g.bytes.Open(ctx, id)
}

// takeUp deals with a move of bytes that nobody works on any more: what was staged
// whole is imported again, all else is given up.
func (g *Imaging) takeUp(ctx context.Context, i *Image) error {
	if i.Status != Importing {
		return g.giveUp(ctx, i)
	}
	again, err := g.Change(ctx, i.ID, func(_ context.Context, now *Image) error {
		if now.Upload != i.Upload {
			return fault.New(fault.Conflict, "Another control plane imports it.")
		}
		now.Upload, now.TouchedAt = uuid.NewString(), g.Now()
		return nil
	})
	if err != nil {
		return nil // gone, or somebody else's by now
	}
	go g.bring(again)
	return nil
}

// stale is how long an upload may stand still before it counts as dead.
const stale = time.Minute

// Tend puts dead uploads back to queued and removes bytes that belong to nothing:
// at once where no other control plane can be at work, and then every minute.
func (g *Imaging) Tend(ctx context.Context) {
	if g.Alone() {
		g.tend(ctx, g.Now())
	}
	tick := time.NewTicker(stale)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			g.tend(ctx, g.Now().Add(-stale))
		}
	}
}

func (g *Imaging) tend(ctx context.Context, before time.Time) {
	if err := g.sweep(ctx, before); err != nil && ctx.Err() == nil {
		slog.Error("images cannot be tidied", "cause", err)
	}
}

func (g *Imaging) sweep(ctx context.Context, before time.Time) error {
	dead, err := g.Uploading(ctx, before)
	if err != nil {
		return err
	}
	for _, i := range dead {
		if err := g.takeUp(ctx, i); err != nil {
			return err
		}
	}
	ids, err := g.IDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		ids = append(ids, staged(id))
	}
	return g.bytes.Sweep(ctx, ids, before)
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
