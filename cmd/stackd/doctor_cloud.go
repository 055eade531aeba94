package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"stackd/agent/join"
	"stackd/cloud"
	"stackd/deploy/doctor"
)

// cloudChecks are those of a control plane: what it serves, and how its rows and the
// world agree. What differs there is mended by the cloud's own loops.
func (o *options) cloudChecks() []doctor.Check {
	return []doctor.Check{
		{Name: "apis", Look: o.lookAPIs},
		{Name: "nodes", Look: o.lookNodes},
		{Name: "node-certificates", Look: o.lookCertificates},
		{Name: "servers", Look: o.lookServers},
	}
}

func (o *options) lookAPIs(ctx context.Context) (string, string) {
	var silent []string
	h, err := o.http()
	for name, port := range cloud.Ports {
		if err == nil {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			var r *http.Request
			if r, err = http.NewRequestWithContext(ctx, "GET", o.address(port)+"/", nil); err == nil {
				var a *http.Response
				if a, err = h.Do(r); err == nil {
					a.Body.Close()
				}
			}
			cancel()
		}
		if err != nil {
			silent = append(silent, name)
			err = nil
		}
	}
	if len(silent) > 0 {
		slices.Sort(silent)
		return doctor.Ill, fmt.Sprintf("no answer at %s from: %s; see %s", o.Listen, strings.Join(silent, ", "), o.path("stackd.log"))
	}
	return doctor.Well, fmt.Sprintf("%d services answer at %s", len(cloud.Ports), o.Listen)
}

// nodeLife is about how long a node's certificate is good; it is renewed when a third is left.
const nodeLife = 30 * 24 * time.Hour

// ask signs in and asks compute for something.
func (o *options) ask(ctx context.Context, path string, out any) error {
	c, err := signIn(ctx, o, o.readLogin("admin"))
	if err == nil {
		err = c.Do(ctx, "GET", "compute", path, nil, out)
	}
	return err
}

// A service is one of compute's on a host.
type service struct {
	ID, Host, Binary, State, Status string
	Reason                          string `json:"disabled_reason"`
}

func (o *options) lookNodes(ctx context.Context) (string, string) {
	var out struct{ Services []service }
	if err := o.ask(ctx, "/os-services?binary=nova-compute", &out); err != nil {
		return doctor.Ill, fmt.Sprintf("the control plane does not say: %v", err)
	}
	var down, off []string
	for _, s := range out.Services {
		if s.State != "up" {
			down = append(down, s.Host)
		}
		if s.Status == "disabled" {
			off = append(off, s.Host)
		}
	}
	switch {
	case len(down) > 0:
		return doctor.Ill, fmt.Sprintf("nodes that do not report: %s; run stackd doctor --repair there", strings.Join(down, ", "))
	case len(off) > 0:
		return doctor.Warning, fmt.Sprintf("%d nodes report; no new servers go to: %s", len(out.Services), strings.Join(off, ", "))
	}
	return doctor.Well, fmt.Sprintf("%d nodes report", len(out.Services))
}

func (o *options) lookCertificates(ctx context.Context) (state, words string) {
	state, words = doctor.Well, "all are good"
	err := withGate(ctx, o.Data, func(g *join.Gate) error {
		nodes, err := g.Nodes(ctx)
		for _, n := range nodes {
			s, w := doctor.Until(n.ExpiresAt.Add(-nodeLife), n.ExpiresAt, "does the node run? it renews it by itself; else: stackd node token --host "+n.Host, time.Now())
			if s != doctor.Well && state != doctor.Ill {
				state, words = s, n.Host+": "+w
			}
		}
		return err
	})
	if err != nil {
		return doctor.Ill, err.Error()
	}
	return state, words
}

// lookServers finds servers that are in ERROR, and those whose guest is not in the state
// that the row says.
func (o *options) lookServers(ctx context.Context) (string, string) {
	type guest struct {
		ID     string
		Status string
		Task   *string `json:"OS-EXT-STS:task_state"`
		Power  int     `json:"OS-EXT-STS:power_state"`
	}
	c, err := signIn(ctx, o, o.readLogin("admin"))
	var servers []guest
	if err == nil {
		servers, err = everybodys(ctx, c, "", func(g guest) string { return g.ID })
	}
	if err != nil {
		return doctor.Ill, fmt.Sprintf("the control plane does not say: %v", err)
	}
	var bad, off []string
	for _, s := range servers {
		switch {
		case s.Status == "ERROR":
			bad = append(bad, s.ID)
		case s.Task == nil && (s.Status == "ACTIVE") != (s.Power == 1) && (s.Status == "ACTIVE" || s.Status == "SHUTOFF"):
			off = append(off, s.ID)
		}
	}
	all := len(servers)
	switch {
	case len(off) > 0:
		return doctor.Warning, fmt.Sprintf("%d of %d servers are not what their rows say, which the cloud mends by itself: %s", len(off), all, few(off))
	case len(bad) > 0:
		return doctor.Warning, fmt.Sprintf("%d of %d servers are in ERROR; openstack server show ID -c fault says why: %s", len(bad), all, few(bad))
	}
	return doctor.Well, fmt.Sprintf("%d servers are what their rows say", all)
}

// few are the first of a long list.
func few(all []string) string {
	if len(all) > 5 {
		return strings.Join(all[:5], ", ") + " and more"
	}
	return strings.Join(all, ", ")
}
