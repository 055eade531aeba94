package libvirt

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"slices"

	lv "github.com/digitalocean/go-libvirt"

	"stackd/agent"
	"stackd/agent/wish"
)

// AttachPort gives a running guest a NIC; the tap must be there.
func (h *Hypervisor) AttachPort(_ context.Context, id string, p wish.Port) error {
	return h.attach(id, func(*lv.Libvirt, seenDomain) (any, error) { return h.nic(p), nil })
}

// AttachVolume gives a running guest a disk, at the first free name.
func (h *Hypervisor) AttachVolume(_ context.Context, id string, v wish.Disk) error {
	return h.attach(id, func(c *lv.Libvirt, doc seenDomain) (any, error) {
		if err := h.keepSecret(c, v); err != nil {
			return nil, err
		}
		n := 0
		for slices.ContainsFunc(doc.Devices.Disks, func(d disk) bool { return d.Target.Dev == deviceName(n) }) {
			n++
		}
		d, err := h.volume(v, deviceName(n))
		d.Alias = &alias{"ua-" + freeAlias(v.VolumeID, doc.Devices.Disks)}
		return d, err
	})
}

func (h *Hypervisor) attach(id string, device func(*lv.Libvirt, seenDomain) (any, error)) error {
	return h.with(id, "attach the device", func(c *lv.Libvirt, d lv.Domain) error {
		doc, err := readDomain(c, d)
		if err != nil {
			return err
		}
		dev, err := device(c, doc)
		if err != nil {
			return err
		}
		text, err := xml.Marshal(dev)
		if err != nil {
			return err
		}
		return c.DomainAttachDeviceFlags(d, string(text), uint32(lv.DomainDeviceModifyLive))
	})
}

// DetachPort asks the guest to let go of a NIC. It has when Guest shows so.
func (h *Hypervisor) DetachPort(_ context.Context, id, portID string) error {
	return h.detach(id, portID)
}

// DetachVolume asks the guest to let go of a volume. It has when Guest shows so.
// QEMU has read the volume's secrets; they go first, as a volume that has gone is not
// looked at again.
func (h *Hypervisor) DetachVolume(_ context.Context, id string, v agent.Volume) error {
	err := h.with(id, "forget the volume's secrets", func(c *lv.Libvirt, d lv.Domain) error {
		disk, err := diskAt(c, d, v.Place)
		if disk != nil {
			forgetSecret(c, disk.Source, nil)
		}
		return err
	})
	if err != nil {
		return err
	}
	return h.detach(id, v.Alias)
}

// GrowVolume tells the guest the size of a volume when it sees less. Of a slice it sees
// all when it is started anew.
func (h *Hypervisor) GrowVolume(_ context.Context, id string, v wish.Disk) error {
	return h.with(id, "grow the volume", func(c *lv.Libvirt, d lv.Domain) error {
		disk, err := diskAt(c, d, v.Place())
		if disk == nil || disk.Source.Slice != nil {
			return err
		}
		_, size, _, err := c.DomainGetBlockInfo(d, disk.Target.Dev, 0)
		if err != nil || int64(size) >= v.Size {
			return err
		}
		return c.DomainBlockResize(d, disk.Target.Dev, uint64(v.Size), lv.DomainBlockResizeBytes)
	})
}

func (h *Hypervisor) detach(id, device string) error {
	return h.with(id, "detach the device", func(c *lv.Libvirt, d lv.Domain) error {
		err := c.DomainDetachDeviceAlias(d, "ua-"+device, uint32(lv.DomainDeviceModifyLive))
		if hasCode(err, lv.ErrDeviceMissing) {
			return nil
		}
		return err
	})
}

// A secret is libvirt's record of a volume's password.
type secret struct {
	XMLName   xml.Name `xml:"secret"`
	Ephemeral string   `xml:"ephemeral,attr"`
	Private   string   `xml:"private,attr"`
	UUID      string   `xml:"uuid"`
	Usage     usage    `xml:"usage"`
}

type usage struct {
	Type   string `xml:"type,attr"`
	Name   string `xml:"name,omitempty"`
	Target string `xml:"target,omitempty"`
	Volume string `xml:"volume,omitempty"`
}

// keepSecret gives libvirt what a volume is reached and opened with.
func (h *Hypervisor) keepSecret(c *lv.Libvirt, v wish.Disk) error {
	if v.Passphrase != "" { // in libvirtd's memory only
		doc := secret{Ephemeral: "yes", Private: "yes", UUID: passphraseID(v), Usage: usage{Type: "volume", Volume: v.Place()}}
		if err := setSecret(c, doc, []byte(v.Passphrase)); err != nil {
			return err
		}
	}
	id := secretID(v)
	if id == "" {
		return nil
	}
	doc := secret{Ephemeral: "no", Private: "yes", UUID: id, Usage: usage{Type: secretUsage(v)}}
	value := []byte(v.Source["password"])
	if doc.Usage.Type == "ceph" {
		doc.Usage.Name = v.Place()
		key, err := base64.StdEncoding.DecodeString(v.Source["password"])
		if err != nil {
			return badVolume(v, "the key is not base64")
		}
		value = key
	} else {
		doc.Usage.Target = v.Place()
	}
	return setSecret(c, doc, value)
}

func setSecret(c *lv.Libvirt, doc secret, value []byte) error {
	text, err := xml.Marshal(doc)
	if err != nil {
		return err
	}
	s, err := c.SecretDefineXML(string(text), 0)
	if err == nil {
		err = c.SecretSetValue(s, value, 0)
	}
	return explain("keep the volume's secret", err)
}

// forgetSecret takes away what a disk that goes was reached and opened with, but for what
// those that stay need.
func forgetSecret(c *lv.Libvirt, s diskSource, stay []wish.Disk) {
	needed := func(id string) bool {
		return slices.ContainsFunc(stay, func(v wish.Disk) bool { return id == passphraseID(v) || id == secretID(v) })
	}
	if s.Auth != nil && !needed(s.Auth.Secret.UUID) {
		forgetSecrets(c, s.Auth.Secret.UUID)
	}
	if s.Encryption != nil && !needed(s.Encryption.Secret.UUID) {
		forgetSecrets(c, s.Encryption.Secret.UUID)
	}
}

func forgetSecrets(c *lv.Libvirt, ids ...string) {
	for _, text := range ids {
		id, err := parseUUID(text)
		if err != nil {
			continue
		}
		if s, err := c.SecretLookupByUUID(id); err == nil {
			_ = c.SecretUndefine(s)
		}
	}
}
