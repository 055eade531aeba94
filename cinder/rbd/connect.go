package rbd

import (
	"cmp"
	"context"
	"strings"
	"time"
)

// Connect gives QEMU the monitors' addresses: it opens the image by itself with the
// user's key, and many may. There is nothing to end.
func (p *Pool) Connect(ctx context.Context, volume, _ string) (string, map[string]string, error) {
	name, err := volumeName(volume)
	if err == nil {
		_, err = p.find(ctx, name, "")
	}
	if err != nil {
		return "", nil, err
	}
	monitors, err := p.monitors.get(time.Minute, func() ([]string, error) { return p.Monitors(ctx) })
	return "rbd", map[string]string{"name": p.Pool + "/" + name, "hosts": strings.Join(monitors, ","), "username": cmp.Or(p.User, "admin")}, err
}

// Secret is the user's key, out of the keyring: every volume's is the same.
func (p *Pool) Secret(ctx context.Context, _, _ string) (string, error) {
	return p.key.get(time.Minute, func() (string, error) { return p.Key(ctx) })
}

// Disconnect has nothing to take away.
func (p *Pool) Disconnect(_ context.Context, volume, _ string) error {
	_, err := volumeName(volume)
	return err
}
