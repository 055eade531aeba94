package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	logKept   = 1 << 20 // of each console's log
	logLimit  = 4 << 20
	imageKept = 24 * time.Hour // after its last use
	tmpKept   = 6 * time.Hour
)

// Space is the file system that holds the guests' disks.
func (s *Store) Space() (totalGB, freeGB int, err error) {
	var st unix.Statfs_t
	err = unix.Statfs(s.Instances, &st)
	unit := uint64(st.Bsize)
	return int(st.Blocks * unit / gib), int(st.Bavail * unit / gib), err
}

// Sweep bounds consoles' logs and drops images that no guest has used for a day.
func (s *Store) Sweep(ctx context.Context) error {
	logs, err := filepath.Glob(filepath.Join(s.Instances, "*", "console.log"))
	errs := []error{err}
	for _, l := range logs {
		errs = append(errs, trim(l))
	}
	return errors.Join(append(errs, s.dropImages(time.Now()))...)
}

// trim gives back a long log's beginning. QEMU keeps writing where it was.
func trim(log string) error {
	var st unix.Stat_t
	if err := unix.Stat(log, &st); err != nil {
		return ignoreMissing(err)
	}
	if st.Blocks*512 < logLimit {
		return nil
	}
	f, err := os.OpenFile(log, os.O_RDWR, 0)
	if err != nil {
		return ignoreMissing(err)
	}
	defer f.Close()
	return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, st.Size-logKept)
}

func (s *Store) dropImages(now time.Time) error {
	used := map[string]bool{}
	links, err := filepath.Glob(filepath.Join(s.Instances, "*", "*")) // base, kernel, ramdisk
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil {
			used[filepath.Base(to)] = true
		}
	}
	entries, err2 := os.ReadDir(s.Images)
	errs := []error{err, err2}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || used[e.Name()] {
			continue
		}
		keep := imageKept
		if strings.HasPrefix(e.Name(), ".") {
			keep = tmpKept
		}
		if now.Sub(info.ModTime()) > keep {
			errs = append(errs, ignoreMissing(os.Remove(filepath.Join(s.Images, e.Name()))))
		}
	}
	return errors.Join(errs...)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
