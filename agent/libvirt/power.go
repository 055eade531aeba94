package libvirt

import (
	"context"

	lv "github.com/digitalocean/go-libvirt"
)

func (h *Hypervisor) Start(_ context.Context, id string) error {
	return h.with(id, "start the domain", func(c *lv.Libvirt, d lv.Domain) error {
		_, err := c.DomainCreateWithFlags(d, 0)
		return err
	})
}

// Shutdown presses the power button.
func (h *Hypervisor) Shutdown(_ context.Context, id string) error {
	return h.with(id, "shut the guest down", func(c *lv.Libvirt, d lv.Domain) error {
		return c.DomainShutdownFlags(d, lv.DomainShutdownAcpiPowerBtn)
	})
}

// PowerOff pulls the plug. A suspended guest loses its memory.
func (h *Hypervisor) PowerOff(_ context.Context, id string) error {
	return h.with(id, "power the domain off", func(c *lv.Libvirt, d lv.Domain) error {
		if err := c.DomainDestroyFlags(d, 0); err != nil && !hasCode(err, lv.ErrOperationInvalid) {
			return err
		}
		saved, err := c.DomainHasManagedSaveImage(d, 0)
		if err == nil && saved == 1 {
			err = c.DomainManagedSaveRemove(d, 0)
		}
		return err
	})
}

func (h *Hypervisor) Pause(_ context.Context, id string) error {
	return h.with(id, "pause the domain", func(c *lv.Libvirt, d lv.Domain) error { return c.DomainSuspend(d) })
}

func (h *Hypervisor) Resume(_ context.Context, id string) error {
	return h.with(id, "resume the domain", func(c *lv.Libvirt, d lv.Domain) error { return c.DomainResume(d) })
}

// Interrupt injects an NMI.
func (h *Hypervisor) Interrupt(_ context.Context, id string) error {
	return h.with(id, "interrupt the guest", func(c *lv.Libvirt, d lv.Domain) error { return c.DomainInjectNmi(d, 0) })
}

// Suspend saves the guest's memory to disk and ends it; Start brings it back.
func (h *Hypervisor) Suspend(_ context.Context, id string) error {
	return h.with(id, "suspend the domain", func(c *lv.Libvirt, d lv.Domain) error { return c.DomainManagedSave(d, 0) })
}
