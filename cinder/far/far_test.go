package far

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"stackd/cinder"
	"stackd/cinder/file"
	"stackd/internal/fault"
)

type noting struct {
	cinder.Backend
	asked string
}

func (n *noting) Connect(_ context.Context, volume, holder string) (string, map[string]string, error) {
	n.asked = volume + " " + holder
	if volume == "v2" {
		return "", nil, cinder.ErrMissing
	}
	return "iscsi", map[string]string{"host": "192.0.2.1", "lun": "1"}, nil
}

// What APIs ask is asked there, and faults that they tell apart come back as what they are.
func TestFar(t *testing.T) {
	files, err := file.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	there := &noting{Backend: files}
	srv := httptest.NewServer(http.StripPrefix("/volumes/files", Serve(there)))
	b := New(files, srv.Client(), srv.URL+"/volumes/files")
	kind, source, err := b.Connect(t.Context(), "v1", "a1")
	if err != nil || kind != "iscsi" || source["lun"] != "1" || there.asked != "v1 a1" {
		t.Error(kind, source, err, there.asked)
	}
	if _, _, err := b.Connect(t.Context(), "v2", "a1"); !errors.Is(err, cinder.ErrMissing) {
		t.Error(err)
	}
	if total, free, err := b.Capacity(t.Context()); err != nil || total <= 0 || free <= 0 {
		t.Error(total, free, err)
	}
	if err := b.Delete(t.Context(), "v1"); !fault.Is(err, fault.Unavailable) {
		t.Error("a volume is deleted from elsewhere:", err)
	}
	if _, ok := b.(cinder.NodeCopied); !ok || b.Features() != files.Features() {
		t.Error("it is of another kind than there")
	}
	srv.Close()
	if _, _, err := b.Connect(t.Context(), "v1", "a1"); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}
