package libvirt

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"strings"

	lv "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"

	"stackd/agent"
	"stackd/agent/wish"
)

// seenDomain is what we read of a domain's XML.
type seenDomain struct {
	UUID    string   `xml:"uuid"`
	Mark    readMark `xml:"metadata>server"`
	Devices struct {
		Disks      []disk     `xml:"disk"`
		Interfaces []iface    `xml:"interface"`
		Serials    []chardev  `xml:"serial"`
		Graphics   []graphics `xml:"graphics"`
	} `xml:"devices"`
}

// Guest is one guest of ours.
func (h *Hypervisor) Guest(_ context.Context, id string) (agent.Guest, error) {
	var g agent.Guest
	err := h.with(id, "look at the domain", func(c *lv.Libvirt, d lv.Domain) (err error) {
		g, err = h.look(c, d)
		return err
	})
	return g, err
}

// Guests are all guests of ours; domains that others made are left out.
func (h *Hypervisor) Guests(context.Context) ([]agent.Guest, error) {
	c, err := h.connect()
	if err != nil {
		return nil, err
	}
	domains, _, err := c.ConnectListAllDomains(1, 0)
	if err != nil {
		return nil, explain("list domains", err)
	}
	var all []agent.Guest
	for _, d := range domains {
		g, err := h.look(c, d)
		switch {
		case lv.IsNotFound(err) || errors.Is(err, agent.ErrNoGuest):
		case err != nil:
			return nil, explain("look at the domain", err)
		default:
			all = append(all, g)
		}
	}
	return all, nil
}

func (h *Hypervisor) look(c *lv.Libvirt, d lv.Domain) (agent.Guest, error) {
	doc, err := readDomain(c, d)
	if err != nil {
		return agent.Guest{}, err
	}
	if doc.Mark.Owner != h.Owner {
		return agent.Guest{}, agent.ErrNoGuest
	}
	power, stalled, held, err := power(c, d)
	g := agent.Guest{ID: doc.UUID, Mark: doc.Mark.mark(), Power: power, Stalled: stalled, Held: held}
	for _, n := range doc.Devices.Interfaces {
		if id, ok := ourAlias(n.Alias); ok {
			g.Ports = append(g.Ports, id)
		}
	}
	for _, d := range doc.Devices.Disks {
		if name, ok := ourAlias(d.Alias); ok {
			g.Volumes = append(g.Volumes, volumeOf(name, d))
		}
	}
	return g, err
}

func readDomain(c *lv.Libvirt, d lv.Domain) (seenDomain, error) {
	var doc seenDomain
	text, err := c.DomainGetXMLDesc(d, 0)
	if err == nil {
		err = xml.Unmarshal([]byte(text), &doc)
	}
	return doc, err
}

func ourAlias(a *alias) (string, bool) {
	if a == nil {
		return "", false
	}
	return strings.CutPrefix(a.Name, "ua-")
}

func power(c *lv.Libvirt, d lv.Domain) (p wish.Power, stalled, held bool, err error) {
	state, reason, err := c.DomainGetState(d, 0)
	if err != nil {
		return "", false, false, err
	}
	if s := lv.DomainState(state); s == lv.DomainPaused || s == lv.DomainPmsuspended {
		why := lv.DomainPausedReason(reason)
		// One that comes by a migration is starting up before it is that.
		held := why == lv.DomainPausedMigration || why == lv.DomainPausedStartingUp
		return wish.Paused, why == lv.DomainPausedIoerror, held, nil
	}
	p, err = powered(c, d, lv.DomainState(state), reason)
	return p, false, false, err
}

func powered(c *lv.Libvirt, d lv.Domain, state lv.DomainState, reason int32) (wish.Power, error) {
	switch state {
	case lv.DomainRunning, lv.DomainBlocked, lv.DomainShutdown:
		return wish.Running, nil
	case lv.DomainCrashed:
		return wish.Crashed, nil
	}
	saved, err := c.DomainHasManagedSaveImage(d, 0)
	switch {
	case err != nil:
		return "", err
	case saved == 1:
		return wish.Suspended, nil
	case lv.DomainShutoffReason(reason) == lv.DomainShutoffCrashed:
		return wish.Crashed, nil
	}
	return wish.Stopped, nil
}

// Define makes the domain, or changes what its next start will be.
func (h *Hypervisor) Define(_ context.Context, s agent.Spec) error {
	c, err := h.connect()
	if err != nil {
		return err
	}
	for _, v := range s.Volumes {
		if err := h.keepSecret(c, v); err != nil {
			return err
		}
	}
	text, err := h.Domain(s)
	if err != nil {
		return err
	}
	if err := h.forgetOthers(s); err != nil {
		return err
	}
	_, err = c.DomainDefineXMLFlags(string(text), lv.DomainDefineValidate)
	return explain("define the domain", err)
}

// forgetOthers takes away the secrets of volumes that a guest which is off had, and is to
// have no more.
func (h *Hypervisor) forgetOthers(s agent.Spec) error {
	err := h.with(s.ID, "forget the secrets of its volumes", func(c *lv.Libvirt, d lv.Domain) error {
		doc, err := readDomain(c, d)
		if err != nil {
			return err
		}
		for _, had := range doc.Devices.Disks {
			forgetSecret(c, had.Source, s.Volumes)
		}
		return nil
	})
	if errors.Is(err, agent.ErrNoGuest) {
		return nil
	}
	return err
}

// Mark writes down what has been carried out.
func (h *Hypervisor) Mark(_ context.Context, id string, m agent.Mark) error {
	text, err := xml.Marshal(writeMark(id, h.Owner, m))
	if err != nil {
		return err
	}
	return h.with(id, "mark the domain", func(c *lv.Libvirt, d lv.Domain) error {
		impact := lv.DomainAffectConfig
		if kept, err := c.DomainIsPersistent(d); err != nil {
			return err
		} else if kept == 0 { // it came from another host and was not defined since
			impact = 0
		}
		if active, err := c.DomainIsActive(d); err != nil {
			return err
		} else if active == 1 {
			impact |= lv.DomainAffectLive
		}
		// libvirt wants the namespace declared by itself, not in the element.
		bare := strings.Replace(string(text), fmt.Sprintf(" xmlns:stackd=%q", markSpace), "", 1)
		bare = strings.ReplaceAll(bare, "stackd:server", "server")
		return c.DomainSetMetadata(d, int32(lv.DomainMetadataElement), lv.OptString{bare}, lv.OptString{"stackd"}, lv.OptString{markSpace}, impact)
	})
}

// Undefine ends the guest and forgets it, its saved memory and secrets too.
func (h *Hypervisor) Undefine(ctx context.Context, id string) error {
	h.copies.Delete(id)
	if err := h.PowerOff(ctx, id); errors.Is(err, agent.ErrNoGuest) {
		return nil
	} else if err != nil {
		return err
	}
	err := h.with(id, "undefine the domain", func(c *lv.Libvirt, d lv.Domain) error {
		doc, err := readDomain(c, d)
		if err != nil {
			return err
		}
		for _, v := range doc.Devices.Disks {
			forgetSecret(c, v.Source, nil)
		}
		return c.DomainUndefineFlags(d, lv.DomainUndefineManagedSave|lv.DomainUndefineSnapshotsMetadata|lv.DomainUndefineNvram|lv.DomainUndefineCheckpointsMetadata)
	})
	if err != nil && !errors.Is(err, agent.ErrNoGuest) {
		return err
	}
	if err := os.Remove(h.vncSocket(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func parseUUID(id string) (lv.UUID, error) {
	u, err := uuid.Parse(id)
	return lv.UUID(u), err
}
