package glance

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"stackd/internal/fault"
)

// A Place is one store of images' bytes: its name and what keeps them.
type Place struct {
	ID, Type, Description string
	Weight                int
	Properties            map[string]any // shown to administrators
	Backend               Backend        // nil is a store of type http, which is read only
}

// ReadOnly tells whether bytes can only be read there.
func (p *Place) ReadOnly() bool { return p.Backend == nil }

// StagingStore is the name of the staging area among stores.
const StagingStore = "os_glance_staging_store"

// Places are all stores, in the settings' order.
func (g *Imaging) Places() []*Place { return g.places }

// Default is the store of uploads that name none.
func (g *Imaging) Default() string { return g.opts.DefaultStore }

// Settings are the options that hold.
func (g *Imaging) Settings() Options { return g.opts }

// Place is a store by its id, nil when there is none.
func (g *Imaging) Place(id string) *Place {
	n := slices.IndexFunc(g.places, func(p *Place) bool { return p.ID == id })
	if n < 0 {
		return nil
	}
	return g.places[n]
}

// Writable is a store that takes bytes; "" is the default one.
func (g *Imaging) Writable(id string, k fault.Kind) (*Place, error) {
	p := g.Place(cmp.Or(id, g.opts.DefaultStore))
	if p == nil || p.ReadOnly() {
		return nil, fault.New(k, "Unknown scheme '%s' found in URI", id)
	}
	return p, nil
}

// backend is what keeps the bytes of a store, the staging area among them.
func (g *Imaging) backend(store string) Backend {
	if store == StagingStore {
		return g.staging
	}
	if p := g.Place(store); p != nil && p.Backend != nil {
		return p.Backend
	}
	return nil
}

// URL is a location's address.
func (g *Imaging) URL(l Location) string {
	if b := g.backend(l.Store); l.URL == "" && b != nil {
		return b.URL(l.Name)
	}
	return l.URL
}

// best are an image's locations, those in stores of more weight first.
func (g *Imaging) best(i *Image) []Location {
	weight := func(l Location) int {
		if p := g.Place(l.Store); p != nil {
			return p.Weight
		}
		return 0
	}
	ls := slices.Clone(i.Locations)
	slices.SortStableFunc(ls, func(a, b Location) int { return weight(b) - weight(a) })
	return ls
}

// open opens the first of an image's locations that can be opened.
func (g *Imaging) open(ctx context.Context, i *Image) (io.ReadSeekCloser, int64, error) {
	var last error = fault.New(fault.NotFound, "Image %s has no data.", i.ID)
	for _, l := range g.best(i) {
		body, size, err := g.openAt(ctx, l)
		if err == nil {
			return body, size, nil
		}
		last = err
	}
	return nil, 0, last
}

func (g *Imaging) openAt(ctx context.Context, l Location) (io.ReadSeekCloser, int64, error) {
	if l.URL != "" {
		return g.fetch.Open(ctx, l.URL)
	}
	b := g.backend(l.Store)
	if b == nil {
		return nil, 0, fault.New(fault.Unavailable, "Store %s is not there any more.", l.Store)
	}
	return b.Open(ctx, l.Name)
}

// EachIn calls f for the name of all bytes that images have in a store. What fails does
// not keep the others waiting.
func (g *Imaging) EachIn(ctx context.Context, store string, f func(context.Context, string) error) error {
	all, err := g.Images(ctx, Query{All: true})
	hidden, e := g.Images(ctx, Query{All: true, Hidden: true})
	err = errors.Join(err, e)
	for _, i := range append(all, hidden...) {
		for _, l := range i.Locations {
			if l.Store == store && l.Name != "" && ctx.Err() == nil {
				err = errors.Join(err, f(ctx, l.Name))
			}
		}
	}
	return err
}

// far tells whether none of an image's bytes are on this machine.
func (g *Imaging) far(i *Image) bool {
	return !slices.ContainsFunc(i.Locations, func(l Location) bool {
		p := g.Place(l.Store)
		return p != nil && p.Type == "file"
	})
}

// names joins and splits the lists that images have in properties.
func names(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
}

func without(list, name string) string {
	return strings.Join(slices.DeleteFunc(names(list), func(s string) bool { return s == name }), ",")
}

func with(list, name string) string {
	return strings.Join(append(names(without(list, name)), name), ",")
}

// A lazy reader is a file that is read from where it was last sought to; nothing is
// opened before the first byte is asked for.
type lazy struct {
	open     func(at int64) (io.ReadCloser, error)
	size, at int64
	body     io.ReadCloser
}

// Lazy makes an io.ReadSeekCloser of something that can be opened at any byte.
func Lazy(size int64, open func(at int64) (io.ReadCloser, error)) io.ReadSeekCloser {
	return &lazy{open: open, size: size}
}

func (l *lazy) Read(b []byte) (int, error) {
	if l.at >= l.size {
		return 0, io.EOF
	}
	if l.body == nil {
		body, err := l.open(l.at)
		if err != nil {
			return 0, err
		}
		l.body = body
	}
	n, err := l.body.Read(b)
	l.at += int64(n)
	if err == io.EOF && l.at < l.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (l *lazy) Seek(offset int64, whence int) (int64, error) {
	at := offset
	switch whence {
	case io.SeekCurrent:
		at += l.at
	case io.SeekEnd:
		at += l.size
	}
	if at < 0 {
		return 0, os.ErrInvalid
	}
	if at != l.at {
		l.Close()
	}
	l.at = at
	return at, nil
}

func (l *lazy) Close() error {
	if l.body == nil {
		return nil
	}
	err := l.body.Close()
	l.body = nil
	return err
}
