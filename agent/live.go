package agent

import (
	"context"
	"io"

	"stackd/agent/wish"
)

var _ wish.Live = (*Agent)(nil)

// ConsoleLog is the tail of the guest's serial console.
func (a *Agent) ConsoleLog(ctx context.Context, id string, lines int) (string, error) {
	return a.Hypervisor.ConsoleLog(ctx, id, lines)
}

// VNC opens the guest's display.
func (a *Agent) VNC(ctx context.Context, id string) (io.ReadWriteCloser, error) {
	return a.Hypervisor.VNC(ctx, id)
}

// Diagnostics are the guest's counters.
func (a *Agent) Diagnostics(ctx context.Context, id string) (wish.Diagnostics, error) {
	return a.Hypervisor.Diagnostics(ctx, id)
}

// Interrupt gives the guest an interrupt that it cannot mask.
func (a *Agent) Interrupt(ctx context.Context, id string) error {
	return a.Hypervisor.Interrupt(ctx, id)
}

// CopyDisk copies a guest's volume as it is at one instant.
func (a *Agent) CopyDisk(ctx context.Context, id string, volume, where wish.Disk) error {
	return a.Hypervisor.CopyDisk(ctx, id, volume, where)
}

// Capture is the guest's root disk at one instant.
func (a *Agent) Capture(ctx context.Context, id string) (io.ReadCloser, error) {
	return a.Hypervisor.Capture(ctx, id)
}
