package glance

import (
	"context"
	"io"
	"time"
)

// Store keeps images' rows, and those of metadata definitions.
type Store interface {
	Definitions

	Tx(ctx context.Context, f func(context.Context) error) error
	After(ctx context.Context, f func())
	Now() time.Time
	// Alone tells whether no other control plane can use the same database.
	Alone() bool

	Insert(ctx context.Context, i *Image) error
	Image(ctx context.Context, id string) (*Image, error)
	Images(ctx context.Context, q Query) ([]*Image, error)
	Update(ctx context.Context, i *Image) error
	Touch(ctx context.Context, id, upload string) error
	Delete(ctx context.Context, id string) error
	IDs(ctx context.Context) ([]string, error)
	Uploading(ctx context.Context, before time.Time) ([]*Image, error)

	Members(ctx context.Context, image string) ([]Member, error)
	SaveMember(ctx context.Context, m *Member) error
	DeleteMember(ctx context.Context, image, project string) error
}

// A Backend keeps images' bytes.
type Backend interface {
	// Create begins an image's bytes; they are there once committed, all or nothing.
	Create(ctx context.Context, id string) (Writer, error)
	// Open opens an image's bytes; size in bytes.
	Open(ctx context.Context, id string) (body io.ReadSeekCloser, size int64, err error)
	// Delete removes an image's bytes; none to remove is no error.
	Delete(ctx context.Context, id string) error
	// Sweep removes whatever belongs to none of these ids, and what uploads left
	// behind, if it is older than the time.
	Sweep(ctx context.Context, ids []string, before time.Time) error
}

// A Writer takes one image's bytes.
type Writer interface {
	io.Writer
	Commit() error
	Abort()
}
