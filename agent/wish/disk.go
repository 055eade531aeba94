package wish

import (
	"cmp"
	"strings"
)

// A Disk is a volume to attach; Kind says how QEMU reaches it.
type Disk struct {
	VolumeID  string            `json:"volume_id"` // also the disk's serial
	Kind      string            `json:"kind"`      // file, nbd, iscsi, rbd
	Source    map[string]string `json:"source"`    // by kind: path, format; host, port, export …
	Device    string            `json:"device,omitempty"`
	Boot      bool              `json:"boot"`
	ReadOnly  bool              `json:"read_only"`
	Shareable bool              `json:"shareable"`
	// Limits are what the guest may do with it in a second, by the names of QEMU's
	// throttling: total_iops_sec, read_bytes_sec, …
	Limits map[string]int64 `json:"limits,omitempty"`
	// Passphrase opens an encrypted volume: a LUKS container, as QEMU makes it.
	Passphrase string `json:"passphrase,omitempty"`
	// Size is the volume's, in bytes, as a guest sees it: one that sees less is told. 0 says nothing.
	Size int64 `json:"size,omitempty"`
	// Copy has a running guest's disk copied elsewhere, and the guest go over to that.
	Copy *Copy `json:"copy,omitempty"`
}

// A Copy is where a guest's disk is to be instead. A report names it once the guest is
// over: then nobody writes any more where the disk was.
type Copy struct {
	ID string `json:"id"`
	To Disk   `json:"to"` // is there, and as large at least
	// End gives it up: a copy under way is ended. A guest that is over stays so.
	End bool `json:"end,omitempty"`
}

// Place says where a disk's bytes are. The same bytes have one place, whatever else is
// said of the disk.
func (d Disk) Place() string {
	s := d.Source
	switch d.Kind {
	case "file":
		return "file:" + s["path"]
	case "nbd":
		if s["socket"] != "" {
			return "nbd:" + s["socket"] + "/" + s["export"]
		}
		return "nbd:" + s["host"] + ":" + cmp.Or(s["port"], "10809") + "/" + s["export"]
	case "iscsi":
		return "iscsi:" + s["host"] + ":" + cmp.Or(s["port"], "3260") + "/" + s["target"] + "/" + cmp.Or(s["lun"], "1")
	case "rbd":
		return "rbd:" + strings.TrimPrefix(s["name"], "/")
	}
	return d.Kind + ":" + d.VolumeID
}
