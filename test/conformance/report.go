package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// foundFile is where the tests of an area that did not pass are kept, with why.
func foundFile(area string) string {
	return filepath.Join(filepath.Dir(listFile(area)), "found-"+area+".tsv")
}

// keep writes down what did not pass.
func (r results) keep(area string) error {
	var lines []string
	for _, n := range r.failed {
		lines = append(lines, "failed\t"+n+"\t")
	}
	for _, n := range r.skipped {
		lines = append(lines, "skipped\t"+n+"\t"+r.why[n])
	}
	slices.Sort(lines)
	return os.WriteFile(foundFile(area), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// A reason says why the tests whose names match fail.
type reason struct {
	match *regexp.Regexp
	text  string
}

func reasons() ([]reason, error) {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(listFile("")), "reasons.tsv"))
	if err != nil {
		return nil, err
	}
	var all []reason
	for line := range strings.Lines(string(b)) {
		match, text, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !ok {
			continue
		}
		re, err := regexp.Compile(match)
		if err != nil {
			return nil, err
		}
		all = append(all, reason{re, text})
	}
	return all, nil
}

const head = `# What unmodified tempest says

Written by ` + "`make conformance-report`" + ` from the latest run of each area (` + "`make conformance AREA=…`" + ` with ` + "`LEARN=-learn`" + `):
Debian 12's tempest 33 and its plugins, with dynamic credentials, against one stackd: on simulated hosts, and for scenarios with real guests.
"Left off" is skipped by a switch of tempest's configuration, which is in test/conformance/fixtures.go, or by tempest itself. An area of which
only some tests were chosen has no more to show than those that passed.

| area | passed | failed | left off |
|---|---|---|---|
`

// writeReport is docs/conformance.md. A failure that reasons.tsv does not explain is an error.
func writeReport(w io.Writer) error {
	why, err := reasons()
	if err != nil {
		return err
	}
	var details strings.Builder
	fmt.Fprint(w, head)
	for _, area := range slices.Sorted(maps.Keys(areas)) {
		passed := passing(area)
		b, err := os.ReadFile(foundFile(area))
		if err != nil { // was not run, or not as a whole
			if len(passed) > 0 && area != "smoke" {
				fmt.Fprintf(w, "| %s | %d | of those chosen | |\n", area, len(passed))
			}
			continue
		}
		failed, skipped := map[string][]string{}, map[string][]string{}
		for line := range strings.Lines(string(b)) {
			f := strings.Split(strings.TrimRight(line, "\n"), "\t")
			if len(f) != 3 || slices.Contains(passed, f[1]) {
				continue
			}
			if f[0] == "skipped" {
				skipped[f[2]] = append(skipped[f[2]], f[1])
				continue
			}
			n := slices.IndexFunc(why, func(r reason) bool { return r.match.MatchString(f[1]) })
			if n < 0 {
				return fmt.Errorf("%s fails, and reasons.tsv does not say why", f[1])
			}
			failed[why[n].text] = append(failed[why[n].text], f[1])
		}
		fmt.Fprintf(w, "| %s | %d | %d | %d |\n", area, len(passed), count(failed), count(skipped))
		group(&details, area+": failed", failed, true)
		group(&details, area+": left off", skipped, false)
	}
	_, err = io.WriteString(w, details.String())
	return err
}

func count(by map[string][]string) (n int) {
	for _, l := range by {
		n += len(l)
	}
	return n
}

func group(b *strings.Builder, title string, by map[string][]string, names bool) {
	if len(by) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	for _, text := range slices.Sorted(maps.Keys(by)) {
		fmt.Fprintf(b, "- %d: %s\n", len(by[text]), text)
		for _, n := range by[text] {
			if names {
				fmt.Fprintf(b, "  - `%s`\n", n)
			}
		}
	}
}
