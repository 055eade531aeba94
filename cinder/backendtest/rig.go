package backendtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"stackd/cinder"
	"stackd/internal/converge"
)

// A Rig is a backend under test.
type Rig struct {
	Backend cinder.Backend
	// Spec opens the same storage again in another process; see Child.
	Spec string
	// Litter lists what is there and is neither a volume nor a snapshot nor foreign.
	Litter func() []string
	// Foreign puts a disk there that nobody manages, not of whole GiB, with content at its start.
	Foreign func(name string, content []byte) error
	// Full is a backend with little room: it takes less than 64 MiB.
	Full cinder.Backend
	// Exported tells whether anybody may reach a volume.
	Exported func(volume string) (bool, error)
	// Reach reads a volume's first bytes as a guest would.
	Reach func(kind string, source map[string]string, n int) ([]byte, error)
	// NoImages leaves out what needs qemu-img.
	NoImages bool
	// Steps bounds the random walks; 0 is 150.
	Steps int
	// Only names the groups of cases to run; none is all.
	Only []string
}

type env struct {
	*testing.T
	ctx  context.Context
	b    cinder.Backend
	rig  *Rig
	made *[]string
}

type test struct {
	name string
	do   func(*env)
}

// Run runs the contract.
func Run(t *testing.T, rig Rig) {
	began, log := time.Now(), &times{}
	rig.Backend = log.wrap(rig.Backend)
	n := 0
	for _, group := range []struct {
		name  string
		tests []test
		off   string
	}{
		{"volumes", volumes, ""}, {"snapshots", snapshots, ""}, {"clones", clones, ""}, {"content", contents, ""},
		{"names", names, ""}, {"connections", connections, ""}, {"walks", walks, ""}, {"together", together, ""},
		{"cut", cut, ""},
		{"images", images, given(!rig.NoImages, "qemu-img")}, {"killed", killed, given(rig.Spec != "", "a Spec")},
		{"manage", manage, given(rig.Foreign != nil, "Foreign")}, {"full", full, given(rig.Full != nil, "Full")},
	} {
		if len(rig.Only) > 0 && !slices.Contains(rig.Only, group.name) {
			continue
		}
		if group.off != "" {
			t.Logf("%s: not run: the rig has not %s", group.name, group.off)
			continue
		}
		n += len(group.tests)
		t.Run(group.name, func(t *testing.T) { runAll(t, &rig, group.tests) })
	}
	t.Logf("%d cases in %s\n%s", n, time.Since(began).Round(time.Millisecond), log)
}

func given(ok bool, what string) string {
	if ok {
		return ""
	}
	return what
}

func runAll(t *testing.T, rig *Rig, tests []test) {
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
			defer cancel()
			e := &env{t, ctx, rig.Backend, rig, new([]string)}
			defer e.clear()
			c.do(e)
		})
	}
}

// vol is a new id, cleared away at the end.
func (e *env) vol() string {
	id := uuid.NewString()
	*e.made = append(*e.made, id)
	return id
}

// clear takes all away, and sees that nothing is left.
func (e *env) clear() {
	e.Helper()
	ctx := context.Background()
	for _, v := range *e.made {
		e.clearVolume(ctx, v)
	}
	if e.rig.Litter == nil {
		return
	}
	if left := e.rig.Litter(); len(left) > 0 {
		e.Errorf("left behind: %q", left)
	}
}

func (e *env) clearVolume(ctx context.Context, v string) {
	e.Helper()
	snapshots, err := e.b.Manageable(ctx, v)
	if err != nil {
		e.Errorf("listing snapshots of %s: %v", v, err)
	}
	for _, p := range snapshots {
		if p.ID != "" {
			if err := e.b.DeleteSnapshot(ctx, v, p.ID); err != nil {
				e.Errorf("taking a snapshot away: %v", err)
			}
		}
	}
	if err := e.b.Delete(ctx, v); err != nil {
		e.Errorf("taking a volume away: %v", err)
	}
}

func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// final wants an error that trying again cannot mend.
func (e *env) final(err error) {
	e.Helper()
	if !converge.IsFinal(err) {
		e.Fatalf("the error is %v, and it is not final", err)
	}
}

func (e *env) missing(err error) {
	e.Helper()
	if !errors.Is(err, cinder.ErrMissing) {
		e.Fatalf("the error is %v, not that of what is missing", err)
	}
}

// has wants a volume there with a size, or not there when it is 0.
func (e *env) has(v string, size int64) {
	e.Helper()
	got, ok, err := e.b.Has(e.ctx, v)
	e.ok(err)
	if ok != (size > 0) || got != size {
		e.Fatalf("the volume has %d GiB (there: %v), not %d", got, ok, size)
	}
}

func (e *env) hasSnapshot(v, p string, want bool) {
	e.Helper()
	ok, err := e.b.HasSnapshot(e.ctx, v, p)
	e.ok(err)
	if ok != want {
		e.Fatalf("the snapshot is there: %v", ok)
	}
}

// blank makes a volume and writes marks.
func (e *env) blank(size int64, marks ...mark) string {
	e.Helper()
	v := e.vol()
	e.ok(e.b.Create(e.ctx, v, size, cinder.Source{}))
	e.write(v, marks...)
	return v
}

func (e *env) snap(v string) string {
	e.Helper()
	p := uuid.NewString()
	e.ok(e.b.CreateSnapshot(e.ctx, v, p))
	return p
}

func (e *env) clone(v, p string, size int64) string {
	e.Helper()
	c := e.vol()
	e.ok(e.b.Create(e.ctx, c, size, cinder.Source{VolumeID: v, SnapshotID: p}))
	return c
}

// Child is called first by TestMain of a backend's tests: in a process that Run
// started to be killed it opens the storage, acts, and does not return.
func Child(open func(spec string) (cinder.Backend, error)) {
	spec := os.Getenv("BACKENDTEST_SPEC")
	if spec == "" {
		return
	}
	b, err := open(spec)
	if err == nil {
		err = actOnce(b, os.Getenv("BACKENDTEST_ACT"), os.Getenv("BACKENDTEST_ARGS"))
	}
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// child is another process on the same storage.
func (e *env) child(act, args string) *exec.Cmd {
	self, err := os.Executable()
	e.ok(err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "BACKENDTEST_SPEC="+e.rig.Spec, "BACKENDTEST_ACT="+act, "BACKENDTEST_ARGS="+args)
	return cmd
}
