package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"stackd/internal/sqldb"

	"github.com/spf13/cobra"
)

func upgradeCommand() *cobra.Command {
	u := &upgrade{far: &installer{}}
	c := &cobra.Command{Use: "upgrade [PROGRAM]", Short: "Swap the program of a cloud or node that runs; guests go on", Args: cobra.MaximumNArgs(1),
		Long: `Swap the program of this host's cloud or node for PROGRAM (default: the stackd that is run
here), and start it again as it ran. Guests and daemons go on meanwhile, and who calls the
APIs is answered when the new program runs. A control plane's database is kept before; when the new program
does not come up, program and database are put back and the old one is started.

With --answer-file all hosts of that cloud, one after the other: the controller, then each
node, and no further when one does not come up.`,
		Example: "  ./stackd-new upgrade\n  ./stackd-new upgrade --answer-file answers.txt",
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(u.output); err != nil {
				return err
			}
			if u.far.file != "" {
				u.far.out, u.far.upgrade = c.OutOrStdout(), true
				if len(args) > 0 {
					return errors.New("with --answer-file the hosts get the stackd that is run here: run the new one")
				}
				return u.far.run(c)
			}
			return u.here(c, args)
		}}
	f := c.Flags()
	f.StringVar(&u.data, "data", "/var/lib/stackd", "folder of the cloud or node")
	f.StringVar(&u.output, "output", "text", "text or json")
	f.StringVar(&u.far.file, "answer-file", "", "all hosts of the cloud that was installed by it")
	u.far.reach(c)
	return c
}

type upgrade struct {
	data, output string
	far          *installer
}

// upgraded is what an upgrade of one host came to.
type upgraded struct {
	Program string  `json:"program"`
	Changed bool    `json:"changed"`
	Kept    string  `json:"database_kept,omitempty"`
	Seconds float64 `json:"seconds"`
}

func (u *upgrade) here(c *cobra.Command, args []string) error {
	r, err := residentOf(u.data)
	if err != nil {
		return err
	}
	fresh, err := os.Executable()
	if len(args) > 0 {
		fresh, err = filepath.Abs(args[0])
	}
	if err != nil {
		return err
	}
	if out, err := exec.Command(fresh, "--version").CombinedOutput(); err != nil {
		return fmt.Errorf("%s does not run here: %w %s", fresh, err, out)
	}
	began := time.Now()
	done, err := r.upgrade(c.Context(), fresh)
	if err != nil {
		return err
	}
	done.Seconds = time.Since(began).Seconds()
	if u.output == "json" {
		return json.NewEncoder(c.OutOrStdout()).Encode(done)
	}
	if !done.Changed {
		fmt.Fprintf(c.OutOrStdout(), "%s is that program already, and runs. Nothing was changed.\n", done.Program)
		return nil
	}
	fmt.Fprintf(c.OutOrStdout(), "%s was swapped and runs again after %.1f seconds.\n", done.Program, done.Seconds)
	if done.Kept != "" {
		fmt.Fprintf(c.OutOrStdout(), "The database as it was before is %s.\n", done.Kept)
	}
	return nil
}

// upgrade has the fresh program run in place of the present one.
func (r *resident) upgrade(ctx context.Context, fresh string) (*upgraded, error) {
	pid := running(r.folder)
	if pid == 0 {
		return nil, fmt.Errorf("nothing runs on %s; to upgrade it, only put the new program in place and start it", r.folder.Data)
	}
	at, err := r.program()
	if err != nil {
		return nil, err
	}
	done := &upgraded{Program: at}
	runs, err := sumOf(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return nil, err
	}
	will, err := sumOf(fresh)
	if err != nil || runs == will {
		return done, err
	}
	old := at + ".old"
	if err := copyProgram(fmt.Sprintf("/proc/%d/exe", pid), old); err != nil {
		return nil, err
	}
	h, err := hold(r.folder, pid)
	if err != nil {
		fmt.Fprintf(os.Stderr, "Callers are refused while it starts: its sockets cannot be held (%v).\n", err)
	}
	defer h.letGo()
	if err := r.end(ctx); err != nil {
		return nil, err
	}
	if done.Kept, err = r.keepDatabase(ctx); err == nil {
		err = copyProgram(fresh, at)
	}
	if err == nil {
		err = r.starts(ctx, at)
	}
	if gave := h.letGo(); err != nil && !gave { // a program that does not take them over may need them free
		err = errors.Join(r.end(ctx), r.starts(ctx, at))
	}
	if err != nil {
		return nil, r.goBack(ctx, old, at, done.Kept, err)
	}
	done.Changed = true
	return done, os.Remove(old)
}

// starts has a program run, and waits until it is ready.
func (r *resident) starts(ctx context.Context, program string) error {
	if err := r.start(ctx, program); err != nil {
		return err
	}
	return r.comesUp(ctx)
}

// end ends what runs, so that nothing starts it but start.
func (r *resident) end(ctx context.Context) error {
	if unit := r.unit(); unit != "" {
		if out, err := exec.CommandContext(ctx, "systemctl", "stop", unit).CombinedOutput(); err != nil {
			return fmt.Errorf("systemctl stop %s: %w %s", unit, err, out)
		}
	}
	return stop(r.folder, 30*time.Second)
}

// keepDatabase keeps an SQLite database as it is, beside it. It is the only one that is kept.
func (r *resident) keepDatabase(ctx context.Context) (string, error) {
	if r.plane == nil {
		return "", nil
	}
	file := r.plane.path("before-upgrade.db")
	err := os.Remove(file)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = snapshot(ctx, r.plane.Database, file)
	}
	if errors.Is(err, sqldb.ErrNoSnapshot) {
		return "", nil
	}
	return file, err
}

// goBack puts program and database back and starts them; why is what went wrong.
func (r *resident) goBack(ctx context.Context, old, at, kept string, why error) error {
	err := r.end(ctx)
	if kept != "" && err == nil {
		for _, tail := range []string{"-wal", "-shm"} {
			if gone := os.Remove(r.plane.Database + tail); gone != nil && !errors.Is(gone, os.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
		err = errors.Join(err, os.Rename(kept, r.plane.Database))
	}
	err = errors.Join(err, os.Rename(old, at))
	if err == nil {
		err = r.start(ctx, at)
	}
	if err != nil {
		return fmt.Errorf("the new program did not come up: %w; nor did the old one: %w", why, err)
	}
	return fmt.Errorf("the new program did not come up, and the old one runs again: %w", why)
}

// copyProgram puts a copy of a program where another may run.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Chmod(0o755), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
}

func sumOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
}
