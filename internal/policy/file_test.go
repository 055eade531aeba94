package policy

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

var member = caller{[]string{"member", "reader"}, map[string]string{"project_id": "p1"}, "project"}

func TestFile(t *testing.T) {
	all, err := Defaults()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := &File{Path: filepath.Join(dir, "policy.yaml")}
	may := func() bool {
		return all["nova"].Allows("os_compute_api:servers:create", member, Target{"project_id": "p1"})
	}
	if err := f.Load(all); err != nil || !may() {
		t.Fatal("without a file the defaults hold:", err)
	}
	write(t, f.Path, "nova:\n  os_compute_api:servers:create: rule:chosen\n  chosen: role:builder\nneutron: neutron.yaml\n")
	if err := f.Load(all); err == nil || !may() {
		t.Error("a file that names one that is not there is a mistake, and changes nothing:", err)
	}
	write(t, filepath.Join(dir, "neutron.yaml"), "create_network: '!'\n")
	if err := f.Load(all); err != nil {
		t.Fatal(err)
	}
	if may() || all["neutron"].Allows("create_network", member, Target{"project_id": "p1"}) {
		t.Error("the file's rules do not hold")
	}
	if r := all["nova"].Rule("os_compute_api:servers:create"); len(r.Operations) == 0 || r.Text != "rule:chosen" {
		t.Errorf("%+v", r)
	}
	for text, want := range map[string]string{
		"novva: {}\n":                       `no service "novva"`,
		"nova:\n  a: role:admin or\n":       "rule a",
		"nova: 7\n":                         "are wanted",
		"nova:\n  a: [x]\n":                 "is no text",
		"nova:\n  a: '@'\n   b: mistaken\n": "line",
	} {
		write(t, f.Path, text)
		if err := f.Load(all); err == nil || !strings.Contains(err.Error(), want) || may() {
			t.Errorf("%q: %v", text, err)
		}
	}
	os.Remove(f.Path)
	if err := f.Load(all); err != nil || !may() {
		t.Error("when the file is gone the defaults hold:", err)
	}
}

func TestWatch(t *testing.T) {
	all, err := Defaults()
	if err != nil {
		t.Fatal(err)
	}
	f := &File{Path: filepath.Join(t.TempDir(), "policy.yaml")}
	if err := f.Load(all); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.Watch(ctx, all); close(done) }()
	write(t, f.Path, "glance:\n  add_image: '!'\n")
	for end := time.Now().Add(20 * time.Second); all["glance"].Allows("add_image", member, Target{"project_id": "p1"}); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the change was not seen")
		}
	}
	cancel()
	<-done
}
