package daemon

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// KeepNetworks writes OVN's northbound database, as it is at an instant, to a file; it
// says whether there is one.
func KeepNetworks(ctx context.Context, o Options, file string) (bool, error) {
	h, err := newHost(o)
	if err != nil {
		return false, err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return false, err
	}
	defer out.Close()
	if h.answers() {
		cmd := exec.CommandContext(ctx, "ovsdb-client", "--timeout=60", "backup", h.NB(), "OVN_Northbound")
		cmd.Stdout = out
		return true, errors.Join(cmd.Run(), out.Sync())
	}
	in, err := os.Open(h.nbFile())
	if errors.Is(err, os.ErrNotExist) || h.Cluster != nil { // a member's file is of use to that member alone
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer in.Close()
	_, err = io.Copy(out, in)
	return true, errors.Join(err, out.Sync())
}

// RestoreNetworks makes the northbound database what such a file says: of one that
// answers the contents, else the file itself, which is moved.
func RestoreNetworks(ctx context.Context, o Options, file string) error {
	h, err := newHost(o)
	if err != nil {
		return err
	}
	if !h.answers() {
		if err := os.MkdirAll(filepath.Dir(h.nbFile()), 0o700); err != nil {
			return err
		}
		return os.Rename(file, h.nbFile())
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	cmd := exec.CommandContext(ctx, "ovsdb-client", "--timeout=60", "restore", h.NB(), "OVN_Northbound")
	cmd.Stdin = in
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	return os.Remove(file)
}

func (h *Host) nbFile() string { return filepath.Join(h.DataDir, "ovn", "nb.db") }

// answers tells whether the northbound database is served, for this folder's cloud.
func (h *Host) answers() bool {
	if at, err := os.Readlink(h.Run); err != nil || at != h.DataDir {
		return false
	}
	c, err := net.Dial("unix", h.sock("nb"))
	if err == nil {
		c.Close()
	}
	return err == nil
}
