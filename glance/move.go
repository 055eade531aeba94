package glance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"stackd/internal/fault"
)

// Bytes is the row of bytes that are on their way into a store or out of it. It is
// there before they are; whoever finds it overdue clears them away, unless an image
// has them by then.
type Bytes struct {
	Store   string `bun:",pk"`
	Name    string `bun:",pk"`
	ImageID string
	Move    string // whose they are: an upload's or a task's name
	Host    string // that alone can reach them; "" is any
	Size    int64
	DueAt   time.Time
}

// stale is how long a move may stand still before it counts as dead.
const stale = time.Minute

// never is when staged bytes are looked after, which lie until they are imported.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func (g *Imaging) book(ctx context.Context, i *Image, store, name string) error {
	b := &Bytes{Store: store, Name: name, ImageID: i.ID, Move: i.Upload, DueAt: g.Now().Add(stale)}
	if store == StagingStore {
		b.Host = g.opts.Host
	}
	return g.Tx(ctx, func(ctx context.Context) error { return g.Book(ctx, b) })
}

// A load is what is to be brought: a stream, what takes it, and its size if known.
type load struct {
	body io.Reader
	size int64
	sink *sink
}

// bring writes a load to a name of a store. It is booked; the caller unbooks it in
// the transaction that gives it to the image.
func (g *Imaging) bring(ctx context.Context, i *Image, store, name string, l load) error {
	b := g.backend(store)
	if b == nil {
		return fault.New(fault.Unavailable, "Store %s is not there any more.", store)
	}
	if err := g.anew(ctx, i, b, store, name); err != nil {
		return err
	}
	w, err := b.Create(ctx, name, l.size)
	if err != nil {
		return full(err)
	}
	defer w.Abort() // does nothing after Commit
	l.sink.w = w
	if err := l.sink.drink(l.body, func() error { return g.touch(ctx, i) }); err != nil {
		return full(err)
	}
	if l.size >= 0 && l.sink.n != l.size {
		return fault.New(fault.Invalid, "The upload ended after %d of %d bytes.", l.sink.n, l.size)
	}
	if err := l.sink.judge(); err != nil {
		return full(err)
	}
	if err := g.touch(ctx, i); err != nil { // whoever was taken for dead brings nothing any more
		return err
	}
	return full(w.Commit())
}

// anew books a name, and clears away what an earlier try of the same move has left.
func (g *Imaging) anew(ctx context.Context, i *Image, b Backend, store, name string) error {
	rows, err := g.Booked(ctx, i.ID)
	if err != nil {
		return err
	}
	if err := g.book(ctx, i, store, name); err != nil {
		return err
	}
	if slices.ContainsFunc(rows, func(r *Bytes) bool { return r.Store == store && r.Name == name }) {
		return b.Delete(ctx, name)
	}
	return nil
}

// touch says that an image's move goes on.
func (g *Imaging) touch(ctx context.Context, i *Image) error {
	return g.Tx(ctx, func(ctx context.Context) error {
		if err := g.Touch(ctx, i.ID, i.Upload); err != nil {
			return err
		}
		return g.Postpone(ctx, &Bytes{ImageID: i.ID, Move: i.Upload}, g.Now().Add(stale))
	})
}

// leave books bytes that are to go, within a transaction.
func (g *Imaging) leave(ctx context.Context, image string, ls ...Location) error {
	for _, l := range ls {
		if l.URL != "" {
			continue
		}
		if err := g.Book(ctx, &Bytes{Store: l.Store, Name: l.Name, ImageID: image, Move: "gone", DueAt: g.Now()}); err != nil {
			return err
		}
	}
	return nil
}

// clear removes the bytes on their way of an image that which says. What a store does
// not remove now is left for later: nothing waits for a store that is not there.
func (g *Imaging) clear(ctx context.Context, image string, which func(*Bytes) bool) error {
	rows, err := g.Booked(ctx, image)
	for _, b := range rows {
		if b.Host != "" && b.Host != g.opts.Host || !which(b) {
			continue
		}
		e := g.drop(ctx, b)
		if e != nil {
			slog.Warn("an image's bytes stay until they can be removed", "image", image, "store", b.Store, "cause", e)
			e = g.Tx(ctx, func(ctx context.Context) error {
				later := *b
				later.Move, later.DueAt = "gone", g.Now().Add(stale)
				return g.Book(ctx, &later)
			})
		}
		err = errors.Join(err, e)
	}
	return err
}

func (g *Imaging) drop(ctx context.Context, b *Bytes) error {
	if k := g.backend(b.Store); k != nil {
		if err := k.Delete(ctx, b.Name); err != nil {
			return err
		}
	}
	return g.Tx(ctx, func(ctx context.Context) error { return g.Unbook(ctx, b.Store, b.Name) })
}

func gone(b *Bytes) bool { return b.Move == "gone" }

// clearGone removes what an image has left; what cannot be reached now is tried again.
func (g *Imaging) clearGone(image string) {
	if err := g.clear(context.Background(), image, gone); err != nil {
		slog.Error("an image's bytes cannot be booked out", "image", image, "cause", err)
	}
}

// tidy clears away the bytes on this host's books that nobody has put off.
func (g *Imaging) tidy(ctx context.Context) error {
	rows, err := g.Overdue(ctx, g.opts.Host, g.Now())
	for _, b := range rows {
		if e := g.settle(ctx, b); e != nil && !fault.Is(e, fault.Conflict) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// settle claims an overdue row, and decides by the image's row what its bytes are.
func (g *Imaging) settle(ctx context.Context, b *Bytes) error {
	remove := false
	err := g.Tx(ctx, func(ctx context.Context) error {
		if err := g.Postpone(ctx, b, g.Now().Add(stale)); err != nil {
			return err
		}
		i, err := g.Image(ctx, b.ImageID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		switch {
		case err != nil || gone(b):
			remove = true
		case i.Upload != "": // goes on, or is dead and will be given up with its bytes
			return nil
		case b.Store == StagingStore && b.Name == i.ID && i.Status == Uploading:
			return g.Postpone(ctx, &Bytes{ImageID: i.ID, Move: b.Move}, never)
		case slices.ContainsFunc(i.Locations, func(l Location) bool { return l.Store == b.Store && l.Name == b.Name }):
			return g.Unbook(ctx, b.Store, b.Name)
		default:
			remove = true
		}
		return nil
	})
	if err != nil || !remove {
		return err
	}
	return g.drop(ctx, b)
}
