package deploy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// A minder is a controller's shell that knows its nodes.
type minder struct {
	shell
	asked *[]string
	full  bool // the node has servers
}

func (m minder) Run(ctx context.Context, script string, in io.Reader) (string, error) {
	switch {
	case strings.Contains(script, "# stackd:/,/"):
		return "compute1", nil
	case strings.Contains(script, " node remove ") && m.full:
		return "node compute1 has 1 servers", &Failed{1, ""}
	case strings.Contains(script, " node drain ") || strings.Contains(script, " node remove "):
		*m.asked = append(*m.asked, strings.TrimPrefix(script, binary+" "))
		return "", nil
	}
	return m.shell.Run(ctx, script, in)
}

// A host that is dead is forgotten under the name that it had, and it is said that it was
// not cleaned; with servers on it only if they are to be built anew. Another host that
// is dead as well is an error.
func TestRemoveOfADeadHost(t *testing.T) {
	remove := func(full, evacuate bool, dead ...string) (asked []string, screen string, err error) {
		w := &world{made: map[string]bool{}}
		var out, log bytes.Buffer
		r := w.run(t, &out, &log)
		r.Open = func(_ context.Context, a string) (Shell, error) {
			if slices.Contains(dead, a) {
				return nil, errors.New("it cannot be reached")
			}
			return minder{shell{w, a}, &asked, full}, nil
		}
		err = r.Remove(t.Context(), "192.0.2.2", evacuate)
		return asked, out.String(), err
	}
	asked, screen, err := remove(false, false, "192.0.2.2")
	if err != nil || len(asked) != 1 || asked[0] != "node remove 'compute1' 2>&1" || !strings.Contains(screen, "could not be given back") {
		t.Error(err, asked, screen)
	}
	asked, _, err = remove(false, true, "192.0.2.2")
	if err != nil || len(asked) != 2 || !strings.Contains(asked[0], "node drain 'compute1' --evacuate") {
		t.Error(err, asked)
	}
	if _, screen, err = remove(true, false, "192.0.2.2"); err == nil || !strings.Contains(err.Error(), "has 1 servers") || strings.Contains(screen, "given back") {
		t.Error(err, screen)
	}
	if _, _, err = remove(false, false, "192.0.2.2", "192.0.2.3"); err == nil || !strings.Contains(err.Error(), "192.0.2.3") {
		t.Error(err)
	}
}
