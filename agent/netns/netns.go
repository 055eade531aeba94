package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const dir = "/run/netns"

// Path is where the namespace is found; nsenter and others take it.
func Path(name string) string { return filepath.Join(dir, name) }

// Exists reports whether the namespace is there.
func Exists(name string) bool {
	if name == "" {
		return true
	}
	h, err := netns.GetFromPath(Path(name))
	if err != nil {
		return false
	}
	defer h.Close()
	var st unix.Statfs_t
	return unix.Statfs(Path(name), &st) == nil && st.Type == unix.NSFS_MAGIC
}

// Make makes the namespace, unless it is there, and brings its loopback up.
func Make(name string) error {
	if name == "" || Exists(name) {
		return nil
	}
	_ = os.Remove(Path(name)) // a left-over file that holds no namespace
	err := onThread(func() error {
		h, err := netns.NewNamed(name)
		if err != nil {
			return fmt.Errorf("make network namespace %s: %w", name, err)
		}
		return h.Close()
	})
	if err != nil {
		return err
	}
	return Do(name, func() error { return Up("lo") })
}

// Remove removes the namespace's name; it ends with the last process inside.
func Remove(name string) error {
	if name == "" {
		return nil
	}
	err := netns.DeleteNamed(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove network namespace %s: %w", name, err)
	}
	return nil
}

// List names the namespaces that begin with prefix.
func List(prefix string) ([]string, error) {
	found, err := filepath.Glob(Path(prefix + "*"))
	for i, f := range found {
		found[i] = filepath.Base(f)
	}
	return found, err
}

// Do calls f on a thread inside the namespace. What f opens stays there; what f
// starts in other goroutines does not.
func Do(name string, f func() error) error {
	if name == "" {
		return f()
	}
	h, err := netns.GetFromPath(Path(name))
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", name, err)
	}
	defer h.Close()
	return onThread(func() error {
		if err := netns.Set(h); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", name, err)
		}
		return f()
	})
}

// onThread calls f on a thread that may be spoilt: the thread ends with f unless
// it could be brought back to the namespace it came from.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := netns.Get()
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		err = f()
		if netns.Set(home) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// Handle is a netlink handle inside the namespace. Close it.
func Handle(name string) (*netlink.Handle, error) {
	if name == "" {
		return netlink.NewHandle(unix.NETLINK_ROUTE)
	}
	h, err := netns.GetFromPath(Path(name))
	if err != nil {
		return nil, fmt.Errorf("network namespace %s: %w", name, err)
	}
	defer h.Close()
	return netlink.NewHandleAt(h, unix.NETLINK_ROUTE)
}
