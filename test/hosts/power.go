package hosts

import (
	"os"
	"path/filepath"
	"syscall"
)

// Off cuts the host's power: all that runs on it is dead, and its links are gone. What it
// has written stays.
func (h *Host) Off() {
	if h.pid > 0 {
		syscall.Kill(h.pid, syscall.SIGKILL) // and with it all in its process namespace
		<-h.gone
		h.pid = 0
	}
	for i := range h.links { // with its network they would be gone later
		h.lab.try("ip", "-n", h.lab.ns("sw"), "link", "del", h.end(i))
	}
	h.lab.try("ip", "netns", "del", h.lab.ns(h.Name))
}

// On boots it, with its links as they were at first and with its disks as they are.
func (h *Host) On() {
	h.lab.t.Helper()
	h.wire()
	h.boot()
	if h.rest == system {
		h.settled()
	}
}

// Blank gives a host that is off empty disks.
func (h *Host) Blank() {
	h.lab.t.Helper()
	for _, d := range []string{h.root(), h.data()} {
		old, err := filepath.Glob(filepath.Join(d, "*"))
		for _, f := range old {
			if err == nil {
				err = os.RemoveAll(f)
			}
		}
		if err != nil {
			h.lab.t.Fatal(err)
		}
	}
}
