package libvirt

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	lv "github.com/digitalocean/go-libvirt"

	"stackd/agent"
	"stackd/agent/wish"
	"stackd/internal/converge"
)

// volumeOf is a disk of ours as the agent knows volumes. A guest that went over to
// another volume's place has the first one's serial and alias until it is started anew.
func volumeOf(name string, d disk) agent.Volume {
	v := agent.Volume{ID: name[:min(len(name), 36)], Alias: name, Place: placeOf(d.Type, d.Source)}
	if m := d.Mirror; m != nil {
		v.Copy, v.Ready = placeOf(m.Type, m.Source), m.Ready == "yes"
	}
	return v
}

// freeAlias is a volume's name in a guest: another volume that has taken its place may
// have it still.
func freeAlias(volume string, disks []disk) string {
	name := volume
	for n := 2; slices.ContainsFunc(disks, func(d disk) bool { return d.Alias != nil && d.Alias.Name == "ua-"+name }); n++ {
		name = fmt.Sprint(volume, "-", n)
	}
	return name
}

// placeOf is wish.Disk.Place of what libvirt says of a disk.
func placeOf(kind string, s diskSource) string {
	d := wish.Disk{Kind: s.Protocol, Source: map[string]string{"path": s.File, "export": s.Name, "name": s.Name}}
	if kind == "file" {
		d.Kind = "file"
	}
	if len(s.Hosts) > 0 {
		d.Source["host"], d.Source["port"], d.Source["socket"] = s.Hosts[0].Name, s.Hosts[0].Port, s.Hosts[0].Socket
	}
	d.Source["target"], d.Source["lun"], _ = strings.Cut(s.Name, "/")
	return d.Place()
}

// diskAt is the guest's disk that is at a place, nil when none is.
func diskAt(c *lv.Libvirt, d lv.Domain, place string) (*disk, error) {
	doc, err := readDomain(c, d)
	if err != nil {
		return nil, err
	}
	for _, one := range doc.Devices.Disks {
		if _, ours := ourAlias(one.Alias); ours && placeOf(one.Type, one.Source) == place {
			return &one, nil
		}
	}
	return nil, nil
}

// BeginCopy has QEMU copy a disk, and write there from then on what the guest writes. It
// does so as long as the guest lives, whatever becomes of libvirtd.
func (h *Hypervisor) BeginCopy(_ context.Context, id string, v agent.Volume, to wish.Disk) error {
	return h.withDisk(id, "copy the volume", v, func(c *lv.Libvirt, d lv.Domain, from *disk) error {
		if (from.Source.Encryption != nil) != (to.Passphrase != "") {
			return converge.Finalf("volume %s: what is encrypted is not copied in the clear, nor the other way round", v.ID)
		}
		if err := h.keepSecret(c, to); err != nil {
			return err
		}
		there, err := h.volume(to, from.Target.Dev)
		if err != nil {
			return err
		}
		if err := fit(c, d, from, to, &there); err != nil {
			return err
		}
		text, err := xml.Marshal(there)
		if err != nil {
			return err
		}
		return c.DomainBlockCopy(d, from.Target.Dev, string(text), nil, lv.DomainBlockCopyReuseExt|lv.DomainBlockCopyTransientJob)
	})
}

// fit makes a larger place one of the disk's size, as QEMU copies between equals only.
func fit(c *lv.Libvirt, d lv.Domain, from *disk, to wish.Disk, there *disk) error {
	_, size, _, err := c.DomainGetBlockInfo(d, from.Target.Dev, 0)
	if err == nil && to.Size > int64(size) && to.Passphrase == "" && there.Driver.Type == "raw" {
		there.Source.Slice = &slice{"storage", 0, int64(size)}
	}
	return err
}

// EndCopy ends a copy: over, the guest is at the new place.
func (h *Hypervisor) EndCopy(_ context.Context, id string, v agent.Volume, over bool) error {
	return h.withDisk(id, "end the volume's copy", v, func(c *lv.Libvirt, d lv.Domain, from *disk) error {
		if from.Mirror == nil {
			return nil
		}
		how, left := lv.DomainBlockJobAbortFlags(0), from.Mirror.Source
		if over {
			how, left = lv.DomainBlockJobAbortPivot, from.Source
		}
		err := c.DomainBlockJobAbort(d, from.Target.Dev, how)
		if err == nil {
			forgetSecret(c, left, nil)
		}
		return err
	})
}

func (h *Hypervisor) withDisk(id, verb string, v agent.Volume, f func(*lv.Libvirt, lv.Domain, *disk) error) error {
	return h.with(id, verb, func(c *lv.Libvirt, d lv.Domain) error {
		one, err := diskAt(c, d, v.Place)
		if err != nil {
			return err
		}
		if one == nil {
			return fmt.Errorf("the guest has no volume %s", v.ID)
		}
		return f(c, d, one)
	})
}
