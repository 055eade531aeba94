package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"stackd/deploy/doctor"
)

// A ward is a shell that also answers what the doctor asks.
type ward struct {
	shell
	sum string
}

func (s ward) Run(ctx context.Context, script string, in io.Reader) (string, error) {
	switch {
	case strings.Contains(script, "sha256sum <"):
		return s.sum, nil
	case strings.Contains(script, " doctor --output json"):
		return fmt.Sprintf(`[{"host":"%s","check":"disk","state":"well","words":"there is room"}]`, s.host), nil
	}
	return s.shell.Run(ctx, script, in)
}

func (w *world) examined(t *testing.T, sum string, repair bool) ([]doctor.Finding, error) {
	t.Helper()
	var screen, log bytes.Buffer
	r := w.run(t, &screen, &log)
	if sum == "" {
		var err error
		if sum, err = sumOf(r.Program); err != nil {
			t.Fatal(err)
		}
	}
	r.Open = func(_ context.Context, a string) (Shell, error) {
		if a == w.down {
			return nil, errors.New("it cannot be reached")
		}
		return ward{shell{w, a}, sum}, nil
	}
	return r.Examine(t.Context(), repair)
}

// What does not hold any more is found on every host, with what the host says of itself;
// mending makes it again; a host that is down does not hide the others.
func TestExamine(t *testing.T) {
	w := &world{made: map[string]bool{"192.0.2.1 all": true, "192.0.2.2 all": true}}
	all, err := w.examined(t, "", false)
	if err != nil {
		t.Fatal(err)
	}
	drift, said := 0, 0
	for _, f := range all {
		if f.State == doctor.Ill {
			if f.Host != "h3" {
				t.Errorf("%+v", f)
			}
			drift++
		}
		if f.Check == "disk" {
			said++
		}
	}
	if drift == 0 || said != 3 || len(w.made) != 2 {
		t.Error(drift, said, w.made)
	}
	if _, err := w.examined(t, "", true); err != nil || !w.made["192.0.2.3"] {
		t.Error("nothing was mended:", err, w.made)
	}
	w.down = "192.0.2.2"
	all, err = w.examined(t, "", false)
	if text := fmt.Sprint(all); err != nil || !strings.Contains(text, "{192.0.2.2 reached ill it cannot be reached}") || strings.Count(text, "there is room") != 2 {
		t.Error(err, text)
	}
	if _, err := w.examined(t, "another", false); err == nil || !strings.Contains(err.Error(), "another stackd") {
		t.Error(err)
	}
}

// An upgrade goes from host to host, the controller first, and no further than one that fails.
func TestUpgradeStops(t *testing.T) {
	w := &world{made: map[string]bool{}, fail: "192.0.2.2"}
	var screen, log bytes.Buffer
	r := w.run(t, &screen, &log)
	err := r.Upgrade(t.Context())
	if err == nil || !strings.Contains(err.Error(), "left as they are") || !w.made["192.0.2.1"] || w.made["192.0.2.3"] {
		t.Error(err, w.made)
	}
	if s := screen.String(); strings.Index(s, "Upgrading h1") > strings.Index(s, "Upgrading h2") || strings.Contains(s, "Upgrading h3") {
		t.Error(s)
	}
}
