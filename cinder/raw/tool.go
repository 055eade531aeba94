package raw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"stackd/cinder"
	"stackd/internal/converge"
)

// A Tool is a program's call. Arguments go to it as they are, through no shell.
type Tool struct {
	Argv  []string
	Env   []string   // besides LC_ALL=C; nil is this process's own
	Stdin []byte     //
	Files []*os.File // from descriptor 3 on; a lock among them is held while the tool lives
}

// Run runs a program; see Tool.
func Run(ctx context.Context, argv ...string) ([]byte, error) { return Tool{Argv: argv}.Run(ctx) }

// ToolError is a program that failed, with what it said.
type ToolError struct {
	Tool string
	Code int // -1 when it was killed
	Said string
	Err  error
}

func (e *ToolError) Error() string {
	if e.Said == "" {
		return e.Tool + ": " + e.Err.Error()
	}
	return e.Tool + ": " + e.Said
}

func (e *ToolError) Unwrap() error { return e.Err }

// maxSaid bounds what is kept of a program's errors.
const maxSaid = 4 << 10

// Run runs the tool to its end and gives what it printed. With the context it is
// killed, its children too.
func (t Tool) Run(ctx context.Context) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.Argv[0], t.Argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Env = append(os.Environ(), append(t.Env, "LC_ALL=C")...)
	cmd.ExtraFiles = t.Files
	cmd.Stdin = bytes.NewReader(t.Stdin)
	var out bytes.Buffer
	said := &tail{}
	cmd.Stdout, cmd.Stderr = &out, said
	err := cmd.Run()
	if err == nil {
		return out.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, &ToolError{t.Argv[0], cmd.ProcessState.ExitCode(), strings.TrimSpace(string(said.b)), err}
}

// A tail keeps the last that was written.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if n := len(t.b) - maxSaid; n > 0 {
		t.b = t.b[n:]
	}
	return len(p), nil
}

// Room makes an error of a full disk final, whoever found it: trying again is of no use.
func Room(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || strings.Contains(err.Error(), "No space left on device") {
		return converge.Final{Err: fmt.Errorf("%w: %w", cinder.ErrFull, err)}
	}
	return err
}

// Missing is the error of a thing that is not there.
func Missing(kind, id string) error {
	return converge.Final{Err: fmt.Errorf("%s %s: %w", kind, id, cinder.ErrMissing)}
}

// Gone removes files; those that are not there are no error.
func Gone(paths ...string) error {
	for _, p := range paths {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
