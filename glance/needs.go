package glance

import (
	"context"
	"crypto/x509"
	"io"
	"time"
)

// Store keeps images' rows, and those of metadata definitions.
type Store interface {
	Definitions
	Tasks
	Moves
	CacheRows

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
	// Uploading are the images whose upload or staging has not moved since.
	Uploading(ctx context.Context, before time.Time) ([]*Image, error)
	// LocatedAt is another image than this that is at a URL; "" is none.
	LocatedAt(ctx context.Context, url, but string) (string, error)
	// Used is what a project has: in bytes, and in numbers of images.
	Used(ctx context.Context, project string) (Usage, error)

	Members(ctx context.Context, image string) ([]Member, error)
	SaveMember(ctx context.Context, m *Member) error
	DeleteMember(ctx context.Context, image, project string) error
}

// Moves keeps the rows of bytes that are on their way.
type Moves interface {
	// Book says that a move brings bytes to a name; Conflict when another has it.
	Book(ctx context.Context, b *Bytes) error
	// Booked are the bytes on their way of an image.
	Booked(ctx context.Context, image string) ([]*Bytes, error)
	Unbook(ctx context.Context, store, name string) error
	// Postpone puts off when a row is looked after; with move "" whoever's it is.
	Postpone(ctx context.Context, b *Bytes, until time.Time) error
	// Overdue are rows of this host that nobody has put off.
	Overdue(ctx context.Context, host string, before time.Time) ([]*Bytes, error)
	// Void makes all rows due: what held them before a start is dead.
	Void(ctx context.Context) error
}

// A Backend keeps images' bytes by names.
type Backend interface {
	// Create begins a name's bytes; they are there once committed, all or nothing.
	// size is how many are to be expected; < 0 is not known.
	Create(ctx context.Context, name string, size int64) (Writer, error)
	// Open opens bytes; size in bytes.
	Open(ctx context.Context, name string) (body io.ReadSeekCloser, size int64, err error)
	// Delete removes bytes and what a Create that died has left; none to remove is no
	// error. InUse is a fault of kind Conflict.
	Delete(ctx context.Context, name string) error
	// URL is where the bytes are, as operators know it.
	URL(name string) string
}

// A Writer takes one image's bytes.
type Writer interface {
	io.Writer
	Commit() error
	Abort()
}

// Staging is a Backend of local files.
type Staging interface {
	Backend
	Path(name string) string
}

// Limits are what projects may have (keystone's unified limits).
type Limits interface {
	// Limits are a project's limits by resource; what is not in it is not limited.
	Limits(ctx context.Context, project string) (map[string]int64, error)
}

// Certificates are what images' signatures are checked by.
type Certificates interface {
	// Certificate is a fault of kind NotFound when there is none by that id.
	Certificate(ctx context.Context, id string) (*x509.Certificate, error)
}

// Regions know where the image services of other regions are.
type Regions interface {
	// ImageEndpoint is a fault of kind NotFound where the catalog has none.
	ImageEndpoint(ctx context.Context, region, iface string) (string, error)
}

// Shaper changes bytes on their way in: unpacks and converts them.
type Shaper interface {
	// Unpack writes from's content unpacked to the file to, if it is packed; most is
	// how many bytes it may be.
	Unpack(ctx context.Context, from, to string, most int64) (bool, error)
	// Convert writes an image of a known format as another.
	Convert(ctx context.Context, from, format, to, as string) error
}

// Fetcher reads addresses that users name.
type Fetcher interface {
	// Allowed is nil for an address that may be read as far as its text tells.
	Allowed(url string) error
	Fetch(ctx context.Context, url string) (body io.ReadCloser, size int64, err error)
	// FetchInside reads an address of the catalog, with a token.
	FetchInside(ctx context.Context, url, token string) (body io.ReadCloser, size int64, err error)
	// Open opens what is at an address as a file.
	Open(ctx context.Context, url string) (io.ReadSeekCloser, int64, error)
}
