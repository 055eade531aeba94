package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// results are the names of tests by how they ended, without their tags.
type results struct {
	passed, failed, skipped []string
	why                     map[string]string // of those skipped
}

// tempest runs the tests whose names match, or with keep just those of the list.
func tempest(dir, match string, list []string, keep bool) (results, error) {
	if err := have("tempest"); err != nil {
		return results{}, err
	}
	for _, sub := range []string{"logs", "lock", "ws/etc"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return results{}, err
		}
	}
	ws := filepath.Join(dir, "ws")
	testr := "[DEFAULT]\ntest_path=/usr/lib/python3/dist-packages/tempest/test_discover\ntop_dir=/usr/lib/python3/dist-packages\ngroup_regex=([^\\.]*\\.)*\n"
	if err := os.WriteFile(filepath.Join(ws, ".stestr.conf"), []byte(testr), 0o644); err != nil {
		return results{}, err
	}
	args := []string{"run", "--config-file", filepath.Join(dir, "tempest.conf"), "--concurrency", "2"}
	if keep {
		file := filepath.Join(dir, "list")
		var lines strings.Builder // of regular expressions: the name, to its end
		for _, name := range list {
			lines.WriteString("^" + regexp.QuoteMeta(name) + `\[` + "\n")
		}
		if err := os.WriteFile(file, []byte(lines.String()), 0o644); err != nil {
			return results{}, err
		}
		args = append(args, "--include-list", file)
	} else {
		args = append(args, "--regex", match)
	}
	cmd := exec.Command("tempest", args...)
	cmd.Dir = ws
	cmd.Env = append(os.Environ(), "OS_TEST_TIMEOUT=300", "PYTHONWARNINGS=ignore")
	return read(cmd, filepath.Join(dir, "tempest.out"))
}

// read runs the command, shows each test as it ends, and keeps the whole output.
func read(cmd *exec.Cmd, file string) (results, error) {
	var r results
	keep, err := os.Create(file)
	if err != nil {
		return r, err
	}
	defer keep.Close()
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return r, err
	}
	cmd.Stderr = keep
	if err := cmd.Start(); err != nil {
		return r, err
	}
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Fprintln(keep, lines.Text())
		r.take(lines.Text())
	}
	if err := cmd.Wait(); err != nil && len(r.passed)+len(r.failed) == 0 {
		return r, fmt.Errorf("tempest: %w; see %s", err, file)
	}
	return r, nil
}

// take reads "{0} tempest.api.x.Y.test_z[id-…] [0.1s] ... ok".
func (r *results) take(line string) {
	line, ok := strings.CutPrefix(line, "{")
	if !ok {
		return
	}
	_, line, _ = strings.Cut(line, "} ")
	name, rest, ok := strings.Cut(line, " [")
	if !ok {
		if name, rest, ok = strings.Cut(line, " ... "); !ok {
			return
		}
		rest = "... " + rest
	}
	name, _, _ = strings.Cut(name, "[")
	switch {
	case strings.Contains(rest, "... ok"):
		r.passed = append(r.passed, name)
	case strings.Contains(rest, "... FAILED"):
		r.failed = append(r.failed, name)
	case strings.Contains(rest, "SKIPPED"):
		r.skipped = append(r.skipped, name)
		if r.why == nil {
			r.why = map[string]string{}
		}
		_, r.why[name], _ = strings.Cut(rest, "SKIPPED: ")
	}
}
