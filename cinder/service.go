package cinder

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"stackd/internal/fault"

	"github.com/google/uuid"
)

// A Service is a part of block storage as administrators see it: the scheduler, and
// one for each host@backend.
type Service struct {
	Host     string `bun:",pk"`
	Binary   string `bun:"name,pk"`
	Disabled bool
	Reason   string
	Frozen   bool
	Up       bool `bun:"-"`
}

// ServiceID is the id of the service that has a backend; it never changes.
func ServiceID(backend string) string {
	host, _, _ := strings.Cut(backend, "#")
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("cinder-volume:"+host)).String()
}

// Services are all there are, in the order of their names.
func (s *Storage) Services(ctx context.Context) ([]Service, error) {
	all := map[string]Service{}
	for name, b := range s.backends {
		at, _, _ := strings.Cut(name, "#")
		host, _, _ := strings.Cut(at, "@")
		_, _, err := b.Capacity(ctx)
		all["cinder-volume "+at] = Service{Host: at, Binary: "cinder-volume", Up: err == nil}
		if s.vault != nil {
			all["cinder-backup "+host] = Service{Host: host, Binary: "cinder-backup", Up: true}
		}
		all["cinder-scheduler "+host] = Service{Host: host, Binary: "cinder-scheduler", Up: true}
	}
	switched, err := s.SwitchedServices(ctx)
	for _, p := range switched {
		if was, ok := all[p.Binary+" "+p.Host]; ok {
			p.Up = was.Up
			all[p.Binary+" "+p.Host] = p
		}
	}
	var out []Service
	for _, p := range all {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Service) int { return strings.Compare(b.Binary+a.Host, a.Binary+b.Host) })
	return out, err
}

func (s *Storage) service(ctx context.Context, host, binary string) (Service, error) {
	all, err := s.Services(ctx)
	for _, p := range all {
		if p.Host == host && p.Binary == binary {
			return p, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "Service %s could not be found on host %s.", binary, host)
	}
	return Service{}, err
}

// SwitchService turns a service on or off; one that is off gets no new volumes.
func (s *Storage) SwitchService(ctx context.Context, p Service) error {
	old, err := s.service(ctx, p.Host, p.Binary)
	if err != nil {
		return err
	}
	p.Frozen = old.Frozen
	return s.Tx(ctx, func(ctx context.Context) error { return s.PutService(ctx, p) })
}

// FreezeHost keeps a host@backend as it is: nothing is made or taken away there.
func (s *Storage) FreezeHost(ctx context.Context, host string, on bool) error {
	p, err := s.service(ctx, host, "cinder-volume")
	if fault.Is(err, fault.NotFound) {
		err = badInput("No cinder-volume service is at host %s.", host)
	}
	if err != nil {
		return err
	}
	p.Frozen = on
	if on {
		p.Disabled, p.Reason = true, "frozen"
	} else if p.Reason == "frozen" {
		p.Disabled, p.Reason = false, ""
	}
	return s.Tx(ctx, func(ctx context.Context) error { return s.PutService(ctx, p) })
}

// FailOver would have another site take a backend's place; no backend has one.
func (s *Storage) FailOver(ctx context.Context, host string) error {
	if _, err := s.service(ctx, host, "cinder-volume"); err != nil {
		return err
	}
	return badInput("Backend %s has no replication target to fail over to.", host)
}

// A Pool is a place for volumes, by its name host@backend#pool.
type Pool struct {
	Name, Backend, Pool, Protocol string  // Backend is its volume_backend_name
	Total, Free                   float64 // GiB
	Allocated                     int64
	Off                           bool // it gets no new volumes
}

// Fits tells whether volumes of a type with these extra specs may be there.
func (p Pool) Fits(specs map[string]string) bool {
	has := map[string]string{"volume_backend_name": p.Backend, "pool_name": p.Pool, "storage_protocol": p.Protocol, "vendor_name": "Open Source", "multiattach": "True", "thin_provisioning_support": "True", "QoS_support": "True", "driver_version": "1.0"}
	for k, want := range specs {
		scope, key, scoped := strings.Cut(k, ":")
		switch {
		case scoped && scope != "capabilities": // about something else than where
			continue
		case scoped:
			k = key
		}
		if have, ok := has[k]; !ok || !meets(have, want) {
			return false
		}
	}
	return true
}

// meets compares as extra specs do: a word, "<is> True", "<in> part", or "<or> a <or> b".
func meets(have, want string) bool {
	op, rest, _ := strings.Cut(strings.TrimSpace(want), " ")
	switch op {
	case "<is>":
		a, err1 := strconv.ParseBool(have)
		b, err2 := strconv.ParseBool(rest)
		return err1 == nil && err2 == nil && a == b
	case "<in>":
		return strings.Contains(have, strings.TrimSpace(rest))
	case "<or>":
		return slices.ContainsFunc(strings.Split(rest, "<or>"), func(w string) bool { return strings.TrimSpace(w) == have })
	case "s==":
		return have == rest
	}
	return strings.EqualFold(have, want)
}

// Pools are all there are.
func (s *Storage) Pools(ctx context.Context) ([]Pool, error) {
	services, err := s.Services(ctx)
	if err != nil {
		return nil, err
	}
	uses, err := s.BackendUse(ctx)
	var out []Pool
	for name, b := range s.backends {
		host, pool, _ := strings.Cut(name, "#")
		_, backend, _ := strings.Cut(host, "@")
		p := Pool{Name: name, Backend: cmp.Or(s.labels[name], backend), Pool: pool, Protocol: b.Features().Protocol}
		var cause error
		if p.Total, p.Free, cause = b.Capacity(ctx); cause != nil {
			p.Off = true
		}
		for _, u := range uses {
			if u.Backend == name {
				p.Allocated += u.Gigabytes
			}
		}
		for _, v := range services {
			p.Off = p.Off || v.Host == host && v.Binary == "cinder-volume" && (v.Disabled || v.Frozen)
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Pool) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// BackendUse is what a backend holds of one project.
type BackendUse struct {
	Backend, ProjectID           string
	Volumes, Gigabytes           int64
	Snapshots, SnapshotGigabytes int64
}

// HostUse is a line of what a host holds: of all (total), then of each project.
type HostUse struct{ Project, Volumes, Gigabytes, Snapshots, SnapshotGigabytes string }

// HostUse are the lines of a host@backend.
func (s *Storage) HostUse(ctx context.Context, host string) ([]HostUse, error) {
	services, err := s.Services(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(services, func(p Service) bool { return p.Host == host }) {
		return nil, fault.New(fault.NotFound, "Host %s could not be found.", host)
	}
	uses, err := s.BackendUse(ctx)
	all := BackendUse{ProjectID: "(total)"}
	of := map[string]BackendUse{}
	for _, u := range uses {
		if at, _, _ := strings.Cut(u.Backend, "#"); at == host {
			all, of[u.ProjectID] = all.plus(u), of[u.ProjectID].plus(u)
		}
	}
	out := []HostUse{all.line(all.ProjectID)}
	for p, u := range of {
		out = append(out, u.line(p))
	}
	slices.SortFunc(out[1:], func(a, b HostUse) int { return strings.Compare(a.Project, b.Project) })
	return out, err
}

func (u BackendUse) plus(o BackendUse) BackendUse {
	u.Volumes, u.Gigabytes, u.Snapshots, u.SnapshotGigabytes = u.Volumes+o.Volumes, u.Gigabytes+o.Gigabytes, u.Snapshots+o.Snapshots, u.SnapshotGigabytes+o.SnapshotGigabytes
	return u
}

func (u BackendUse) line(project string) HostUse {
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	return HostUse{project, text(u.Volumes), text(u.Gigabytes), text(u.Snapshots), text(u.SnapshotGigabytes)}
}
