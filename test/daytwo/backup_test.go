package daytwo

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a backup kept while the cloud was at work is there again after all data is gone:
// servers, images to the byte, credentials, and tokens that were given out before.
func TestBackup(t *testing.T) {
	c := newCloud(t, "2")
	before := c.server("before")
	old := c.Token
	file := filepath.Join(t.TempDir(), "backup")
	busy := make(chan error)
	go func() { // the cloud is not held up, and need not rest
		var err error
		for n := 0; n < 60 && err == nil; n++ {
			err = c.Do(t.Context(), "POST", "network", "/networks", map[string]any{"network": map[string]any{"name": fmt.Sprint("busy", n)}}, nil)
		}
		busy <- err
	}()
	out, err := c.run("backup", file, "--images")
	if err := <-busy; err != nil {
		t.Error("while it was kept:", err)
	}
	if err != nil || !strings.Contains(out, "Images are in it") {
		t.Fatal(err, out)
	}
	after := c.server("after")

	if out, err := c.run("restore", file); err == nil || !strings.Contains(out, "is running") {
		t.Error("restored below a cloud that runs:", out)
	}
	c.kill()
	if out, err := c.run("restore", file); err == nil || !strings.Contains(out, "--replace puts it aside") {
		t.Error("a cloud that is there was replaced:", out)
	}
	if err := os.RemoveAll(c.Data); err != nil {
		t.Fatal(err)
	}
	if out, err := c.run("restore", file); err != nil || !strings.Contains(out, "Start it as before") {
		t.Fatal(err, out)
	}
	c.up()
	if s := c.show(before); s.Status != "ACTIVE" || s.Name != "before" {
		t.Errorf("%+v", s)
	}
	if s := c.show(after); s.Status != "" {
		t.Errorf("what was made later is there: %+v", s)
	}
	c.Token = old
	var got bytes.Buffer
	c.do("GET", "image", "/images/"+c.image+"/file", nil, &got)
	if got.String() != picture {
		t.Errorf("the image has %d bytes", got.Len())
	}
	c.do("DELETE", "compute", "/servers/"+before, nil, nil)
	c.wait(before, "")
	c.server("new")

	c.kill()
	if out, err := c.run("restore", file, "--replace"); err != nil || !strings.Contains(out, "What was there is in ") {
		t.Fatal(err, out)
	}
	c.up()
	c.wait(before, "ACTIVE")
}

// A backup that is damaged changes nothing.
func TestDamagedBackup(t *testing.T) {
	c := newCloud(t, "1")
	id := c.server("s")
	file := filepath.Join(t.TempDir(), "backup")
	var m struct {
		Size  int64
		Parts []struct{ Name string }
	}
	c.json(&m, "backup", file)
	if len(m.Parts) < 4 || m.Size == 0 {
		t.Fatalf("%+v", m)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0xff
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c.kill()
	if out, err := c.run("restore", file, "--replace"); err == nil || !strings.Contains(out, "damaged") {
		t.Error(out)
	}
	c.up()
	c.wait(id, "ACTIVE")
}
