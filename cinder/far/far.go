// Package far is a backend that is on another control plane's host: what the APIs ask of
// it (Connect, what may be managed) is asked there. Volumes themselves are worked on there
// alone: rows say what is to be done, and that control plane does it.
package far

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"stackd/cinder"
	"stackd/internal/fault"
)

// Backend is a cinder.Backend elsewhere.
type Backend struct {
	like   cinder.Backend
	at     string
	client *http.Client
}

// New is the backend that is served at an address (https://192.0.2.1:8782/volumes/files).
// like is one of the same kind here, of which only features and passwords count; nothing
// is kept in it.
func New(like cinder.Backend, client *http.Client, at string) cinder.Backend {
	b := &Backend{like, at, client}
	if _, ok := like.(cinder.NodeCopied); ok {
		return copied{b}
	}
	return b
}

// copied is one whose volumes in use are copied by their nodes.
type copied struct{ *Backend }

// BeginSnapshot is not done from elsewhere.
func (copied) BeginSnapshot(context.Context, string, string) (string, map[string]string, error) {
	return "", nil, working()
}

// FinishSnapshot is not done from elsewhere.
func (copied) FinishSnapshot(context.Context, string, string) error { return working() }

// Features are those of its kind.
func (b *Backend) Features() cinder.Features { return b.like.Features() }

var (
	_ cinder.Backend   = (*Backend)(nil)
	_ cinder.Keyed     = (*Backend)(nil)
	_ cinder.Exporting = (*Backend)(nil)
)

// A question is about a volume, and whatever else its method wants.
type question struct {
	Volume   string `json:"volume,omitempty"`
	Other    string `json:"other,omitempty"` // a holder, a snapshot, a name
	Snapshot string `json:"snapshot,omitempty"`
}

type answer struct {
	Total  float64           `json:"total,omitempty"`
	Free   float64           `json:"free,omitempty"`
	Size   int64             `json:"size,omitempty"`
	There  bool              `json:"there,omitempty"`
	Kind   string            `json:"kind,omitempty"`
	Source map[string]string `json:"source,omitempty"`
	Found  []cinder.Found    `json:"found,omitempty"`
	Fault  string            `json:"fault,omitempty"` // of those that callers tell apart
}

// told are the faults that callers tell apart.
var told = map[string]error{"missing": cinder.ErrMissing, "snapshots": cinder.ErrHasSnapshots, "full": cinder.ErrFull}

func (b *Backend) ask(ctx context.Context, method string, q question) (a answer, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", b.at+"/"+method, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	r, err := b.client.Do(req)
	if err != nil {
		return a, fault.New(fault.Unavailable, "The host that has the volumes does not answer. Please try again later.").Because(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return a, fmt.Errorf("the control plane that has the volumes answers %s", r.Status)
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 16<<20)).Decode(&a); err != nil {
		return a, err
	}
	if a.Fault != "" && told[a.Fault] == nil {
		return a, fmt.Errorf("there: %s", a.Fault)
	}
	return a, told[a.Fault]
}

// Capacity is cinder.Backend's.
func (b *Backend) Capacity(ctx context.Context) (total, free float64, err error) {
	a, err := b.ask(ctx, "capacity", question{})
	return a.Total, a.Free, err
}

// Has is cinder.Backend's.
func (b *Backend) Has(ctx context.Context, volume string) (int64, bool, error) {
	a, err := b.ask(ctx, "has", question{Volume: volume})
	return a.Size, a.There, err
}

// Connect is cinder.Backend's.
func (b *Backend) Connect(ctx context.Context, volume, holder string) (string, map[string]string, error) {
	a, err := b.ask(ctx, "connect", question{Volume: volume, Other: holder})
	return a.Kind, a.Source, err
}

// Disconnect is cinder.Backend's.
func (b *Backend) Disconnect(ctx context.Context, volume, holder string) error {
	_, err := b.ask(ctx, "disconnect", question{Volume: volume, Other: holder})
	return err
}

// Manageable is cinder.Backend's.
func (b *Backend) Manageable(ctx context.Context, volume string) ([]cinder.Found, error) {
	a, err := b.ask(ctx, "manageable", question{Volume: volume})
	return a.Found, err
}

// Adopt is cinder.Backend's.
func (b *Backend) Adopt(ctx context.Context, name, volume string) (int64, error) {
	a, err := b.ask(ctx, "adopt", question{Volume: volume, Other: name})
	return a.Size, err
}

// AdoptSnapshot is cinder.Backend's.
func (b *Backend) AdoptSnapshot(ctx context.Context, volume, name, snapshot string) (int64, error) {
	a, err := b.ask(ctx, "adopt-snapshot", question{Volume: volume, Other: name, Snapshot: snapshot})
	return a.Size, err
}

// Secret is cinder.Keyed's: it is made of the cloud's key, which all have.
func (b *Backend) Secret(ctx context.Context, volume, holder string) (string, error) {
	if k, ok := b.like.(cinder.Keyed); ok {
		return k.Secret(ctx, volume, holder)
	}
	return "", nil
}

// Keep is cinder.Exporting's: it is done there.
func (b *Backend) Keep(context.Context, map[string]string) ([]string, error) { return nil, nil }

// Working is what only who works on volumes asks, which nobody does from elsewhere.
func working() error {
	return fault.New(fault.Unavailable, "The volume is worked on by another control plane.")
}

// Create and the others are not done from elsewhere.
func (b *Backend) Create(context.Context, string, int64, cinder.Source) error { return working() }

// Extend is not done from elsewhere.
func (b *Backend) Extend(context.Context, string, int64) error { return working() }

// Delete is not done from elsewhere.
func (b *Backend) Delete(context.Context, string) error { return working() }

// HasSnapshot is not asked from elsewhere.
func (b *Backend) HasSnapshot(context.Context, string, string) (bool, error) { return false, working() }

// CreateSnapshot is not done from elsewhere.
func (b *Backend) CreateSnapshot(context.Context, string, string) error { return working() }

// DeleteSnapshot is not done from elsewhere.
func (b *Backend) DeleteSnapshot(context.Context, string, string) error { return working() }

// Revert is not done from elsewhere.
func (b *Backend) Revert(context.Context, string, string) error { return working() }

// Open is not done from elsewhere.
func (b *Backend) Open(context.Context, string, string) (cinder.Content, error) {
	return nil, working()
}

// Edit is not done from elsewhere.
func (b *Backend) Edit(context.Context, string) (cinder.Target, error) { return nil, working() }
