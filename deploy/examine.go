package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"stackd/deploy/doctor"
	"stackd/internal/converge"
)

// Examine looks all hosts over, by what the installer made of them and by what stackd
// doctor says there. With repair, steps that do not hold any more are made again, and
// each host mends what it can. A host that cannot be reached is a finding.
func (r *Run) Examine(ctx context.Context, repair bool) ([]doctor.Finding, error) {
	var err error
	if r.sum, err = sumOf(r.Program); err != nil {
		return nil, err
	}
	r.keepSecrets()
	var lost *ErrHosts
	if err := r.look(ctx); err != nil && !errors.As(err, &lost) {
		return nil, err
	}
	defer r.close()
	if err := r.own(ctx); err != nil {
		return nil, err
	}
	var all []doctor.Finding
	var there []*Host
	for _, h := range r.Hosts {
		if why := lost.of(h.Address); why != "" {
			all = append(all, doctor.Finding{Host: h.Address, Check: "reached", State: doctor.Ill, Words: why})
			continue
		}
		there = append(there, h)
	}
	if len(there) == len(r.Hosts) { // what a host should be hangs on all of them
		for _, group := range r.inOrder() {
			all = append(all, r.gather(ctx, group, func(ctx context.Context, h *Host) []doctor.Finding { return h.drift(ctx, repair) })...)
		}
	}
	return append(all, r.gather(ctx, there, func(ctx context.Context, h *Host) []doctor.Finding { return h.said(ctx, repair) })...), nil
}

// own sees that the cloud's program is this one: another would judge by other steps, and
// mending with it would be an upgrade.
func (r *Run) own(ctx context.Context) error {
	c := r.controller()
	if c.Shell == nil {
		return nil
	}
	has, err := c.Shell.Run(ctx, "[ ! -e "+binary+" ] || sha256sum < "+binary+" | cut -c1-64", nil)
	if err != nil || has == "" || has == r.sum {
		return err
	}
	return fmt.Errorf("the cloud was installed with another stackd than this one; run that one (%s on its hosts), or bring this one there: stackd upgrade --answer-file FILE", binary)
}

func (e *ErrHosts) of(host string) string {
	if e != nil {
		for _, f := range e.Failed {
			if f.Host == host {
				return f.Words
			}
		}
	}
	return ""
}

// inOrder are the hosts in groups that are made one after the other.
func (r *Run) inOrder() [][]*Host {
	infra, _ := r.divided()
	rest := slices.DeleteFunc(r.nodes(), func(h *Host) bool { return h.Infra() || h.Database() })
	first, others := r.controllers()
	groups := [][]*Host{infra, slices.DeleteFunc(r.databases(), (*Host).Infra)}
	for _, h := range append([]*Host{first}, others...) { // one after the other: most go on
		if !h.Infra() && !h.Database() {
			groups = append(groups, []*Host{h})
		}
	}
	return append(groups, rest)
}

// ladder is all that is made of a host.
func (h *Host) ladder() converge.Ladder[*Host] {
	l := preparing()
	if h.Database() {
		l = append(l, keeping()...)
	}
	switch {
	case h.Controller():
		l = append(l, controlling()...)
	case h.Compute():
		l = append(l, computing()...)
	}
	return l
}

// drift is every step that held when the host was installed and does not hold now.
func (h *Host) drift(ctx context.Context, repair bool) []doctor.Finding {
	var checks []doctor.Check
	for _, s := range h.ladder() {
		checks = append(checks, doctor.Check{Name: "installed: " + s.Name, Look: func(ctx context.Context) (string, string) {
			ok, err := s.Holds(ctx, h)
			switch {
			case err != nil:
				return doctor.Ill, err.Error()
			case !ok:
				return doctor.Ill, "it is not as it was installed"
			}
			return doctor.Well, "it is as it was installed"
		}, Mend: func(ctx context.Context) error { return s.Make(ctx, h) }})
	}
	return doctor.Examine(ctx, h.Name, checks, repair)
}

// said is what stackd doctor says on the host itself. A host that only answers names and
// tells the time has no cloud to look at.
func (h *Host) said(ctx context.Context, repair bool) []doctor.Finding {
	if !h.Controller() && !h.Compute() {
		return nil
	}
	flag := ""
	if repair {
		flag = " --repair"
	}
	out, err := h.Shell.Run(ctx, binary+" doctor --output json"+flag+" || true", nil)
	var all []doctor.Finding
	if err == nil && strings.HasPrefix(out, "[") {
		err = json.Unmarshal([]byte(out), &all)
	} else if err == nil {
		err = fmt.Errorf("stackd doctor says nothing there: %s", out)
	}
	if err != nil {
		return []doctor.Finding{{Host: h.Name, Check: "doctor", State: doctor.Ill, Words: err.Error()}}
	}
	return all
}

// gather asks hosts at once, and keeps what they say in their order.
func (r *Run) gather(ctx context.Context, hosts []*Host, ask func(context.Context, *Host) []doctor.Finding) (all []doctor.Finding) {
	said := make([][]doctor.Finding, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, r.Timeout)
			defer cancel()
			said[i] = ask(ctx, h)
		})
	}
	wg.Wait()
	for _, s := range said {
		all = append(all, s...)
	}
	return all
}
