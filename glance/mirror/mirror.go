// Package mirror keeps images' bytes in files of several control planes alike, where they
// share no folder and no bucket. What is uploaded to one goes to all at the same time, and
// is there once most of them have it; one that was away fetches it when it is asked for,
// or by and by (Keep).
package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"

	"stackd/glance"
	"stackd/glance/file"
	"stackd/internal/fault"
)

// Store is a glance.Backend: local files, and the same ones at the others.
type Store struct {
	local  *file.Files
	peers  []string // where the others' files are: https://192.0.2.2:8782/images/file/
	client *http.Client

	fetching sync.Map // names
}

var _ glance.Backend = (*Store)(nil)

// New makes a store of local files, and those at peers' addresses.
func New(local *file.Files, client *http.Client, peers ...string) *Store {
	return &Store{local: local, client: client, peers: peers}
}

// URL is that of the local file.
func (s *Store) URL(name string) string { return s.local.URL(name) }

// Create is glance.Backend's.
func (s *Store) Create(ctx context.Context, name string, size int64) (glance.Writer, error) {
	w, err := s.local.Create(ctx, name, size)
	if err != nil {
		return nil, err
	}
	all := &writer{Writer: w, most: (len(s.peers)+1)/2 + 1}
	for _, p := range s.peers {
		all.copies = append(all.copies, s.send(ctx, p+name))
	}
	return all, nil
}

// A copy is an upload to one of the others. It is over when done is closed.
type copy struct {
	to   *io.PipeWriter
	done chan struct{}
	err  error
}

func (s *Store) send(ctx context.Context, url string) *copy {
	r, w := io.Pipe()
	c := &copy{to: w, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		req, err := http.NewRequestWithContext(ctx, "PUT", url, r)
		if err == nil {
			_, err = s.answer(req, http.StatusCreated)
		}
		c.err = err
		r.CloseWithError(errors.Join(io.ErrClosedPipe, err))
	}()
	return c
}

// answer sends a request and wants an answer without content.
func (s *Store) answer(req *http.Request, want int) (*http.Response, error) {
	a, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	a.Body.Close()
	switch {
	case a.StatusCode == http.StatusNotFound:
		return nil, fs.ErrNotExist
	case a.StatusCode != want:
		return nil, fmt.Errorf("another control plane answers %s", a.Status)
	}
	return a, nil
}

type writer struct {
	glance.Writer
	copies []*copy
	most   int // of all: how many must have the bytes
}

// Write gives all the bytes; one that does not take them is left out.
func (w *writer) Write(b []byte) (int, error) {
	for _, c := range w.copies {
		c.to.Write(b)
	}
	return w.Writer.Write(b)
}

// Commit has the others' bytes be there, and then the local ones.
func (w *writer) Commit() error {
	have, why := 1, error(nil)
	for _, c := range w.copies {
		c.to.Close()
		<-c.done
		if c.err == nil {
			have++
		}
		why = errors.Join(why, c.err)
	}
	if have < w.most {
		return fault.New(fault.Unavailable, "Too few of the image stores take the image now. Please try again later.").Because(why)
	}
	return w.Writer.Commit()
}

func (w *writer) Abort() {
	for _, c := range w.copies {
		c.to.CloseWithError(errors.New("the upload was given up")) // nothing after Commit
	}
	w.Writer.Abort()
}

// Open opens the local bytes, or another's, which are then fetched to be local too.
func (s *Store) Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error) {
	body, size, err := s.local.Open(ctx, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return body, size, err
	}
	url, size, err := s.find(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	go s.Fetch(context.WithoutCancel(ctx), name)
	return glance.Lazy(size, func(at int64) (io.ReadCloser, error) { return s.read(ctx, url, at) }), size, nil
}

// find is one of the others that has a name, and how many bytes.
func (s *Store) find(ctx context.Context, name string) (url string, size int64, err error) {
	var away error
	for _, p := range s.peers {
		req, err := http.NewRequestWithContext(ctx, "HEAD", p+name, nil)
		if err != nil {
			return "", 0, err
		}
		a, err := s.answer(req, http.StatusOK)
		if err == nil {
			return p + name, a.ContentLength, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			away = errors.Join(away, err)
		}
	}
	if away != nil {
		return "", 0, fault.New(fault.Unavailable, "The image's bytes are where nobody answers now.").Because(away)
	}
	return "", 0, fs.ErrNotExist
}

func (s *Store) read(ctx context.Context, url string, at int64) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
	a, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	if a.StatusCode != http.StatusPartialContent {
		a.Body.Close()
		return nil, fmt.Errorf("another control plane answers %s", a.Status)
	}
	return a.Body, nil
}

// Fetch has a name's bytes be local, if any of the others has them.
func (s *Store) Fetch(ctx context.Context, name string) error {
	if _, other := s.fetching.LoadOrStore(name, true); other {
		return nil
	}
	defer s.fetching.Delete(name)
	if have, _, err := s.local.Open(ctx, name); err == nil {
		return have.Close()
	}
	url, size, err := s.find(ctx, name)
	if err != nil {
		return err
	}
	w, err := s.local.Create(ctx, name, size)
	if err != nil {
		return err
	}
	defer w.Abort()
	if size > 0 {
		body, err := s.read(ctx, url, 0)
		if err != nil {
			return err
		}
		defer body.Close()
		if n, err := io.Copy(w, body); err != nil || n != size {
			return errors.Join(err, fmt.Errorf("%d of %d bytes came", n, size))
		}
	}
	if err := w.Commit(); err != nil {
		return err
	}
	if _, _, err := s.find(ctx, name); errors.Is(err, fs.ErrNotExist) { // taken away meanwhile
		return s.local.Delete(ctx, name)
	}
	return nil
}

// Delete removes all: as long as one does not answer it is not done.
func (s *Store) Delete(ctx context.Context, name string) error {
	errs := []error{s.local.Delete(ctx, name)}
	for _, p := range s.peers {
		req, err := http.NewRequestWithContext(ctx, "DELETE", p+name, nil)
		if err == nil {
			_, err = s.answer(req, http.StatusNoContent)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
