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
