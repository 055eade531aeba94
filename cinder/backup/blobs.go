package backup

import (
	"context"
	"errors"

	"stackd/internal/s3"
)

// Blobs keep objects of a few MiB by name. A name's parts, between slashes, are lower-case
// letters, digits and hyphens.
type Blobs interface {
	// Put writes an object, whole or not at all, instead of what has the name.
	Put(ctx context.Context, name string, body []byte) error
	// Get reads an object of at most so many bytes; ErrMissing when there is none.
	Get(ctx context.Context, name string, most int64) ([]byte, error)
	// List calls each for every name that begins so, also of objects that somebody was
	// cut off writing: those Delete takes away and Get does not find.
	List(ctx context.Context, prefix string, each func(name string) error) error
	// Delete takes an object away; none to take is no error.
	Delete(ctx context.Context, name string) error
}

// ErrMissing is the error of reading an object that is not there.
var ErrMissing = errors.New("there is no such object")

// A Bucket is Blobs in a bucket of S3.
type Bucket struct{ *s3.Bucket }

var _ Blobs = Bucket{}

// Get reads an object.
func (b Bucket) Get(ctx context.Context, name string, most int64) ([]byte, error) {
	body, err := b.Bucket.Get(ctx, name, most)
	if s3.Missing(err) {
		return nil, ErrMissing
	}
	return body, err
}
