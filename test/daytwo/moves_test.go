package daytwo

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Control plane and nodes are killed at once while a server moves, running or off, again and
// again: it is on one host then, as it was or as it was to be, and can be moved again.
func TestMovesKilled(t *testing.T) {
	c := newCloud(t, "2")
	id := c.server("first")
	for n := range 14 {
		how, body := "os-migrateLive", any(map[string]any{"host": nil, "block_migration": true, "disk_over_commit": false})
		if n%2 == 1 {
			how, body = "migrate", nil
		}
		c.do("POST", "compute", "/servers/"+id+"/action", map[string]any{how: body}, nil)
		time.Sleep(time.Duration(n*n) * 2 * time.Millisecond)
		c.kill()
		c.ended()
		c.up()
		c.settled(id)
		if at := c.places(id); len(at) != 1 || at[0] != c.show(id).Host {
			t.Fatalf("killed in %s after %d ms it is on %v, and its row says %+v", how, n*n*2, at, c.show(id))
		}
	}
	var out struct{ Migrations []struct{ Status string } }
	c.do("GET", "compute", "/os-migrations", nil, &out)
	count := map[string]int{}
	for _, m := range out.Migrations {
		count[m.Status]++
	}
	t.Log("migrations:", count)
	for status := range count {
		if status != "completed" && status != "confirmed" && status != "error" {
			t.Errorf("a migration stays %s", status)
		}
	}
}

// ended waits until nothing answers of a cloud that was killed.
func (c *cloud) ended() {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(c.Listen, "5000"), time.Second)
		if err != nil {
			return
		}
		conn.Close()
	}
}

// settled waits until a server is active, confirming what has moved.
func (c *cloud) settled(id string) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var out struct {
			Server struct {
				Status string
				Task   *string `json:"OS-EXT-STS:task_state"`
			}
		}
		c.do("GET", "compute", "/servers/"+id, nil, &out)
		switch s := out.Server; {
		case s.Status == "ACTIVE" && s.Task == nil:
			return
		case s.Status == "VERIFY_RESIZE":
			_ = c.Do(c.t.Context(), "POST", "compute", "/servers/"+id+"/action", map[string]any{"confirmResize": nil}, nil) // maybe once more
		case time.Now().After(end):
			c.t.Fatalf("it stays %s", s.Status)
		}
	}
}

// places are the hosts that have anything of a server, once no more than one has.
func (c *cloud) places(id string) (at []string) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(c.Data, "sim", "*", id+".json"))
		if err != nil {
			c.t.Fatal(err)
		}
		at = nil
		for _, f := range found {
			if b, err := os.ReadFile(f); err == nil && len(b) > 0 {
				at = append(at, strings.TrimPrefix(filepath.Dir(f), filepath.Join(c.Data, "sim")+"/"))
			}
		}
		if len(at) == 1 || time.Now().After(end) {
			return at
		}
	}
}
