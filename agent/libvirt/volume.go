package libvirt

import (
	"cmp"
	"encoding/xml"
	"strings"

	"github.com/google/uuid"

	"stackd/agent/wish"
)

// volume is how QEMU reaches a volume, by its kind. Source holds
//
//	file   path, format
//	nbd    host and port, or socket; export
//	iscsi  host, port, target (the IQN), lun; username, password
//	rbd    name (pool/image), hosts (host:port, by commas); username, password (the key)
func (p Platform) volume(v wish.Disk, dev string) (disk, error) {
	d := disk{
		Device: "disk", Type: "network", Driver: p.driver("raw"), Serial: v.VolumeID,
		Target: target{dev, "virtio"},
	}
	if v.ReadOnly {
		d.ReadOnly = &struct{}{}
	}
	if v.Shareable {
		d.Shareable = &struct{}{}
	}
	switch s := v.Source; v.Kind {
	case "file":
		d.Type, d.Driver, d.Source.File = "file", p.driver(cmp.Or(s["format"], "raw")), s["path"]
	case "nbd":
		d.Source = diskSource{Protocol: "nbd", Name: s["export"], Hosts: []sourceHost{nbdHost(s)}}
	case "iscsi":
		d.Source = diskSource{Protocol: "iscsi", Name: s["target"] + "/" + cmp.Or(s["lun"], "1"),
			Hosts: []sourceHost{{Name: s["host"], Port: cmp.Or(s["port"], "3260")}}}
	case "rbd":
		d.Source = diskSource{Protocol: "rbd", Name: s["name"], Hosts: rbdHosts(s["hosts"])}
	default:
		return d, badVolume(v, "unknown kind %q", v.Kind)
	}
	if id := secretID(v); id != "" {
		d.Source.Auth = &auth{v.Source["username"], secretRef{secretUsage(v), id}}
	}
	d.Limits = limitsOf(v.Limits)
	if v.Passphrase != "" {
		d.Source.Encryption = &encryption{"luks", secretRef{"passphrase", passphraseID(v)}}
	}
	return d, nil
}

func nbdHost(s map[string]string) sourceHost {
	if s["socket"] != "" {
		return sourceHost{Transport: "unix", Socket: s["socket"]}
	}
	return sourceHost{Name: s["host"], Port: cmp.Or(s["port"], "10809")}
}

func rbdHosts(list string) []sourceHost {
	var hosts []sourceHost
	for h := range strings.SplitSeq(list, ",") {
		if h = strings.TrimSpace(h); h == "" {
			continue
		}
		name, port := h, ""
		if i := strings.LastIndexByte(h, ':'); i > 0 {
			name, port = h[:i], h[i+1:]
		}
		hosts = append(hosts, sourceHost{Name: name, Port: port})
	}
	return hosts
}

// secretID names the libvirt secret that holds a volume's password; "" when it has none.
func secretID(v wish.Disk) string {
	if v.Source["password"] == "" {
		return ""
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("stackd volume "+v.Place())).String()
}

// throttles are the limits that libvirt knows (domain XML, "iotune").
var throttles = []string{"total_bytes_sec", "read_bytes_sec", "write_bytes_sec", "total_iops_sec", "read_iops_sec", "write_iops_sec",
	"total_bytes_sec_max", "read_bytes_sec_max", "write_bytes_sec_max", "total_iops_sec_max", "read_iops_sec_max", "write_iops_sec_max", "size_iops_sec"}

func limitsOf(by map[string]int64) *limits {
	var l limits
	for _, name := range throttles {
		if n := by[name]; n > 0 {
			l.All = append(l.All, limit{xml.Name{Local: name}, n})
		}
	}
	if l.All == nil {
		return nil
	}
	return &l
}

// passphraseID names the libvirt secret that opens an encrypted volume.
func passphraseID(v wish.Disk) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("stackd passphrase "+v.Place())).String()
}

func secretUsage(v wish.Disk) string {
	if v.Kind == "rbd" {
		return "ceph"
	}
	return "iscsi"
}
