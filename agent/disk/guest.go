package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"

	"github.com/google/uuid"

	"stackd/agent"
	"stackd/agent/wish"
	"stackd/internal/converge"
)

const gib = 1 << 30

func (s *Store) dir(id string) string { return filepath.Join(s.Instances, filepath.Base(id)) }

// Console is where the guest's serial console is logged to.
func (s *Store) Console(id string) string { return filepath.Join(s.dir(id), "console.log") }

// Files are the server's local disks in the order the guest sees them.
func (s *Store) Files(v wish.Server) []agent.File {
	var all []agent.File
	add := func(role, name, format string, rebuild int64) {
		all = append(all, agent.File{Role: role, Path: s.moved(v, s.file(v.ID, name, rebuild)), Format: format})
	}
	if v.Rescue != nil {
		add("rescue", "disk"+rescue(v), "qcow2", 0)
	}
	if v.Image != nil {
		add("root", "disk", "qcow2", v.Rebuilds)
	}
	if i := boots(v); i.KernelID != "" {
		add("kernel", "kernel"+rescue(v), "raw", v.Rebuilds)
	}
	if i := boots(v); i.RamdiskID != "" {
		add("ramdisk", "ramdisk"+rescue(v), "raw", v.Rebuilds)
	}
	if v.EphemeralGB > 0 {
		add("ephemeral", "disk.eph0", "raw", v.LocalOf)
	}
	if v.SwapMB > 0 {
		add("swap", "disk.swap", "raw", v.LocalOf)
	}
	if v.ConfigDrive {
		add("config", "disk.config", "raw", v.Rebuilds)
	}
	return all
}

// boots is the image that a guest starts from, of no id when that is a volume.
func boots(v wish.Server) wish.Image {
	switch {
	case v.Rescue != nil:
		return *v.Rescue
	case v.Image != nil:
		return *v.Image
	}
	return wish.Image{}
}

// rescue is what sets the files that a rescued guest starts from apart.
func rescue(v wish.Server) string {
	if v.Rescue != nil {
		return fmt.Sprintf(".rescue%d", v.HardReboots)
	}
	return ""
}

// file is a server's file of a rebuild, 0 being its first build.
func (s *Store) file(id, name string, rebuild int64) string {
	if rebuild > 0 {
		name = fmt.Sprintf("%s.r%d", name, rebuild)
	}
	return filepath.Join(s.dir(id), name)
}

// moved is the name of a file that is the guest's own, in the set that its last move made.
func (s *Store) moved(v wish.Server, path string) string {
	if v.DisksOf > 0 {
		path += fmt.Sprintf(".m%d", v.DisksOf)
	}
	return path
}

// Made reports whether the server's disks are there, the config drive aside.
func (s *Store) Made(v wish.Server) (bool, error) {
	if ok, err := there(s.dir(v.ID)); !ok || err != nil {
		return false, err
	}
	for _, f := range s.Files(v) {
		if f.Role == "config" {
			continue
		}
		if ok, err := there(f.Path); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// Make makes what is missing. A disk that is there is the guest's and is not touched. Disks
// of a move are made by that alone (see Bring): when none is there they are lost, and new
// ones would hide it.
func (s *Store) Make(ctx context.Context, v wish.Server) error {
	if err := s.lost(v); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir(v.ID), 0o755); err != nil {
		return err
	}
	for _, f := range s.Files(v) {
		ok, err := there(f.Path)
		if err == nil && !ok {
			err = s.makeFile(ctx, v, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) lost(v wish.Server) error {
	own := slices.DeleteFunc(s.Files(v), func(f agent.File) bool { return f.Role == "config" || f.Role == "rescue" })
	if v.DisksOf == 0 || len(own) == 0 {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(s.dir(v.ID), fmt.Sprintf("*.m%d", v.DisksOf)))
	if err == nil && len(found) == 0 {
		err = converge.Finalf("the disks that came with move %d are not here", v.DisksOf)
	}
	return err
}

// makeFile works under another name, so that a disk is whole or not there.
func (s *Store) makeFile(ctx context.Context, v wish.Server, f agent.File) error {
	tmp := f.Path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var err error
	switch f.Role {
	case "root":
		err = s.makeRoot(ctx, v, tmp)
	case "rescue":
		err = s.makeRescue(ctx, v, tmp)
	case "kernel":
		err = s.link(wish.Image{ID: boots(v).KernelID}, tmp)
	case "ramdisk":
		err = s.link(wish.Image{ID: boots(v).RamdiskID}, tmp)
	case "ephemeral":
		err = errors.Join(sparse(tmp, int64(v.EphemeralGB)*gib), run(ctx, "mke2fs", "-q", "-F", "-t", "ext4", "-L", "ephemeral0", tmp))
	case "swap":
		err = errors.Join(sparse(tmp, int64(v.SwapMB)<<20), run(ctx, "mkswap", "-q", tmp))
	case "config":
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the %s disk: %w", f.Role, err)
	}
	return os.Rename(tmp, f.Path)
}

// makeRoot makes an overlay; formats are always given, never guessed.
func (s *Store) makeRoot(ctx context.Context, v wish.Server, path string) error {
	size, err := s.imageSize(*v.Image)
	if err != nil {
		return err
	}
	if v.RootGB > 0 {
		if wanted := int64(v.RootGB) * gib; size > wanted {
			return converge.Finalf("image %s is a disk of %d bytes; the flavor has %d", v.Image.ID, size, wanted)
		}
		size = int64(v.RootGB) * gib
	}
	return s.overlay(ctx, *v.Image, s.file(v.ID, "base", v.Rebuilds), path, size)
}

// makeRescue makes a disk of the image that a server is rescued with, as large as it asks.
func (s *Store) makeRescue(ctx context.Context, v wish.Server, path string) error {
	size, err := s.imageSize(*v.Rescue)
	if err != nil {
		return err
	}
	return s.overlay(ctx, *v.Rescue, s.file(v.ID, "base"+rescue(v), 0), path, max(size, int64(v.RootGB)*gib))
}

// overlay makes a disk over a cached image; base notes in the directory that it does.
func (s *Store) overlay(ctx context.Context, i wish.Image, base, path string, size int64) error {
	_ = os.Remove(base)
	if err := s.link(i, base); err != nil {
		return err
	}
	return run(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", baseFormat(i), "-b", s.imagePath(i), path, strconv.FormatInt((size+511)/512*512, 10))
}

// link notes in the server's directory that it uses a cached image.
func (s *Store) link(i wish.Image, at string) error {
	return errors.Join(s.use(i), os.Symlink(s.imagePath(i), at))
}

func sparse(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

// ofBuilds are the files that each rebuild makes anew.
var ofBuilds = regexp.MustCompile(`^(disk(\.eph0|\.swap|\.config)?|base|kernel|ramdisk)(\.rescue[0-9]+)?(\.r[0-9]+)?(\.m[0-9]+)?(\.new)?$`)

// Trim removes the files of other rebuilds than the server's last, and of rescues that
// are over: no guest has them open.
func (s *Store) Trim(_ context.Context, v wish.Server) error {
	keep := map[string]bool{s.file(v.ID, "base", v.Rebuilds): v.Image != nil}
	if v.Rescue != nil {
		keep[s.file(v.ID, "base"+rescue(v), 0)] = true
	}
	own := v
	own.Rescue = nil
	for _, f := range slices.Concat(s.Files(v), s.Files(own), s.earlier(v)) {
		keep[f.Path] = true
	}
	found, err := os.ReadDir(s.dir(v.ID))
	errs := []error{err}
	for _, e := range found {
		if at := filepath.Join(s.dir(v.ID), e.Name()); !keep[at] && ofBuilds.MatchString(e.Name()) {
			errs = append(errs, ignoreMissing(os.Remove(at)))
		}
	}
	return errors.Join(errs...)
}

// Remove removes all that the server has here.
func (s *Store) Remove(_ context.Context, id string) error { return os.RemoveAll(s.dir(id)) }

// Owners are the servers that have a directory.
func (s *Store) Owners() ([]string, error) {
	dirs, err := os.ReadDir(s.Instances)
	var ids []string
	for _, d := range dirs {
		if uuid.Validate(d.Name()) == nil {
			ids = append(ids, d.Name())
		}
	}
	return ids, err
}

// Cache is how QEMU should open disks in dir: past the page cache where the file
// system can do that.
func Cache(dir string) string {
	f, err := os.OpenFile(filepath.Join(dir, ".direct"), os.O_CREATE|os.O_WRONLY|syscall.O_DIRECT, 0o600)
	_ = os.Remove(filepath.Join(dir, ".direct"))
	if err != nil {
		return "writeback"
	}
	_ = f.Close()
	return "none"
}

func there(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
