package policy

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stackd/internal/config"
)

// A File is a policy.yaml: by service, the rules that differ from the defaults, or
// the name of a file that has them as the service's own policy.yaml would.
//
//	nova:
//	  os_compute_api:servers:create: role:admin
//	neutron: /etc/neutron/policy.yaml
type File struct {
	Path string

	seen []stamp
}

// A stamp tells one state of a file from another.
type stamp struct {
	path string
	size int64
	at   time.Time
}

func stampOf(path string) stamp {
	st, err := os.Stat(path)
	if err != nil {
		return stamp{path: path}
	}
	return stamp{path, st.Size(), st.ModTime()}
}

// Load replaces all rules by the defaults and what the file says; without a file
// they are the defaults. A mistake anywhere in it leaves every rule as it was.
func (f *File) Load(all map[string]*Rules) error {
	seen := []stamp{stampOf(f.Path)}
	checks, err := f.read(&seen)
	f.seen = seen
	if err != nil {
		return err
	}
	fresh := map[string]*table{}
	for service := range checks {
		if all[service] == nil {
			return fmt.Errorf("%s: there is no service %q; there are %s", f.Path, service, strings.Join(slices.Sorted(maps.Keys(all)), ", "))
		}
	}
	for service, r := range all {
		if fresh[service], err = r.defaults.with(checks[service]); err != nil {
			return fmt.Errorf("%s: %s: %w", f.Path, service, err)
		}
		f.warn(service, fresh[service], checks[service], r.defaults)
	}
	for service, t := range fresh {
		all[service].now.Store(t)
	}
	return nil
}

// read is the checks by service and rule.
func (f *File) read(seen *[]stamp) (map[string]map[string]string, error) {
	raw := map[string]any{}
	if err := config.Read(f.Path, &raw); err != nil {
		return nil, err
	}
	out := map[string]map[string]string{}
	for service, v := range raw {
		rules := map[string]any{}
		switch v := v.(type) {
		case map[string]any:
			rules = v
		case string:
			if !filepath.IsAbs(v) {
				v = filepath.Join(filepath.Dir(f.Path), v)
			}
			*seen = append(*seen, stampOf(v))
			if _, err := os.Stat(v); err != nil {
				return nil, fmt.Errorf("%s: the rules of %s: %w", f.Path, service, err)
			}
			if err := config.Read(v, &rules); err != nil {
				return nil, err
			}
		case nil:
		default:
			return nil, fmt.Errorf("%s: %s: rules, or the name of a file with rules, are wanted", f.Path, service)
		}
		out[service] = map[string]string{}
		for name, check := range rules {
			text, ok := check.(string)
			if !ok {
				return nil, fmt.Errorf("%s: %s: the check of rule %s is no text", f.Path, service, name)
			}
			out[service][name] = text
		}
	}
	return out, nil
}

// warn speaks of rules that nothing asks for: most likely their names are mistyped.
func (f *File) warn(service string, now *table, checks map[string]string, defaults *table) {
	for name := range checks {
		used := defaults.rules[name] != nil
		for _, r := range now.rules {
			used = used || slices.Contains(words(r.Text), "rule:"+name)
		}
		if !used {
			slog.Warn("policy: a rule that nothing asks for", "file", f.Path, "service", service, "rule", name)
		}
	}
}

// Watch loads the file again whenever it changes, until the context ends. What
// cannot be read is logged, and changes nothing.
func (f *File) Watch(ctx context.Context, all map[string]*Rules) {
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			if !f.moved() {
				continue
			}
			if err := f.Load(all); err != nil {
				slog.Error("policy: the rules stay as they were", "cause", err)
				continue
			}
			slog.Info("policy: read anew", "file", f.Path)
		}
	}
}

func (f *File) moved() bool {
	return slices.ContainsFunc(f.seen, func(s stamp) bool { return stampOf(s.path) != s })
}
