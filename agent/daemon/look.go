package daemon

import "context"

// Ill names the daemons of a cloud that do not run, or do not answer. Nothing is changed.
func Ill(ctx context.Context, o Options) ([]string, error) {
	h, err := newHost(o)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, p := range h.processes() {
		if _, ok := p.pid(); !ok || p.ready(ctx) != nil {
			all = append(all, p.name)
		}
	}
	return all, nil
}

// ForgetChassis takes a host's chassis out of the southbound database. One that ends takes
// itself out; one that died cannot, and others would keep tunnels to it.
func ForgetChassis(ctx context.Context, o Options, host string) error {
	h, err := newHost(o)
	if err != nil {
		return err
	}
	return h.command(ctx, "ovn-sbctl", "--timeout=20", "--no-leader-only", "--db="+h.SB(), "--if-exists", "chassis-del", host)
}
