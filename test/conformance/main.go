// Command conformance runs Debian's tempest, unmodified, against the OpenStack that
// the OS_* variables name, or against a cloud of its own when they name none.
//
//	go run ./test/conformance -area smoke
//
// It ends with one line, "N passed, N failed, N skipped". With -keep, tests of the
// list (test/conformance/passing-AREA.txt) that do not pass make it fail: the list
// only grows (-learn adds to it, and keeps what else was found in found-AREA.tsv).
// -report prints docs/conformance.md from these and from reasons.tsv.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"stackd/test/cloudtest"
)

// areas are regular expressions of test names.
var areas = map[string]string{
	"smoke": `^tempest\..*\[.*\bsmoke\b.*\]`, "identity": `^tempest\.api\.identity`, "image": `^tempest\.api\.image`, "compute": `^tempest\.api\.compute`, "network": `^tempest\.api\.network`,
	"identity-plugin": `^keystone_tempest_plugin`,
	"volume":          `^tempest\.api\.volume`, "object": `^tempest\.api\.object_storage`, "scenario": `^tempest\.scenario`,
}

func main() {
	area := flag.String("area", "smoke", "smoke, identity, identity-plugin, image, compute, network, volume, object or scenario")
	only := flag.String("only", "", "regular expression of tests, in place of the area's")
	keep := flag.Bool("keep", false, "run the tests of the list only, and fail if one does not pass")
	learn := flag.Bool("learn", false, "add what passes to the list, and keep what else was found (not with -only)")
	report := flag.Bool("report", false, "print docs/conformance.md from what earlier runs with -learn have found, and run nothing")
	out := flag.String("out", "", "folder for logs and results (default: a new one)")
	flag.Parse()
	if *report {
		if err := writeReport(os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "conformance:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(*area, *only, *keep, *learn, *out); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(area, only string, keep, learn bool, dir string) error {
	if areas[area] == "" {
		return fmt.Errorf("there is no area %q", area)
	}
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "conformance-"); err != nil {
			return err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	web, err := serveImage()
	if err != nil {
		return err
	}
	defer web.Close()
	env, own, stop, err := target(dir, web, area == "scenario")
	if err != nil {
		return err
	}
	defer stop()
	ctx := context.Background()
	f, err := prepare(ctx, env, own)
	if err != nil {
		return fmt.Errorf("fixtures: %w", err)
	}
	if env != nil {
		f.web = web.address
	}
	if err := os.WriteFile(filepath.Join(dir, "tempest.conf"), []byte(f.conf(env, dir)), 0o600); err != nil {
		return err
	}
	want := areas[area]
	if only != "" {
		want = only
	}
	list := passing(area)
	r, err := tempest(dir, want, list, keep)
	if err != nil {
		return err
	}
	return judge(r, area, list, keep, learn, only != "", dir)
}

// target is the cloud of the environment, else a new one: on simulated hosts, or with
// real guests, which is then told (own) as its guests can be reached from here.
func target(dir string, web *webImage, real bool) (env map[string]string, own *cloudtest.Cloud, stop func(), err error) {
	if os.Getenv("OS_AUTH_URL") != "" {
		return nil, nil, func() {}, nil
	}
	args := []string{"--sim", "2"}
	if real {
		args = nil
	}
	c, err := cloudtest.New(dir, args...)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := web.allow(c.Data); err != nil {
		return nil, nil, nil, err
	}
	if err := c.Up(); err != nil {
		return nil, nil, nil, err
	}
	if real {
		own = c
	}
	env, err = c.Login("admin")
	return env, own, func() { c.Down() }, err
}

func listFile(area string) string {
	root, err := cloudtest.Root()
	if err != nil {
		root = "."
	}
	return filepath.Join(root, "test/conformance/passing-"+area+".txt")
}

// passing is the list of tests that have passed before.
func passing(area string) []string {
	b, err := os.ReadFile(listFile(area))
	if err != nil {
		return nil
	}
	return strings.Fields(string(b))
}

// judge prints what came out, and fails when something that passed before did not.
func judge(r results, area string, list []string, keep, learn, some bool, dir string) error {
	for _, n := range r.failed {
		fmt.Println("FAILED", n)
	}
	var lost []string
	if keep {
		for _, n := range list {
			if !slices.Contains(r.passed, n) {
				lost = append(lost, n)
			}
		}
	}
	if learn {
		all := slices.Compact(slices.Sorted(slices.Values(append(list, keepOwn(area, r.passed)...))))
		if err := os.WriteFile(listFile(area), []byte(strings.Join(all, "\n")+"\n"), 0o644); err != nil {
			return err
		}
		if some { // says nothing of the area
			fmt.Println("added to the list; what else was found is kept of whole areas only")
		} else if err := r.keep(area); err != nil {
			return err
		}
	}
	fmt.Println("results:", dir)
	fmt.Printf("%d passed, %d failed, %d skipped\n", len(r.passed), len(r.failed), len(r.skipped))
	if len(lost) > 0 {
		return fmt.Errorf("%d tests that passed before do not pass now:\n  %s", len(lost), strings.Join(lost, "\n  "))
	}
	return nil
}

// keepOwn leaves out the tests of plugins that a machine may or may not have.
func keepOwn(area string, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return area != "identity-plugin" && !strings.HasPrefix(n, "tempest.") })
}

// have tells whether a program is there.
func have(name string) error {
	if _, err := exec.LookPath(name); err != nil {
		return fmt.Errorf("%s is not installed; apt-get install tempest", name)
	}
	return nil
}
