package planes

import (
	"syscall"
	"testing"
	"time"
)

// A plane that was stopped and goes on later does not believe what it remembers
// from before; and those who changed something meanwhile did not wait for ever.
func TestFrozen(t *testing.T) {
	a, b := twoPlanes(t)
	if a == nil {
		return
	}
	admin := a.signIn("admin", "default")
	for range 5 {
		token := a.signIn("admin", "default")
		for range 3 {
			if status, _, out, err := b.do("GET", "/v3/auth/tokens", admin, token, ""); status != 200 {
				t.Fatal(status, string(out), err)
			}
		}
		b.cmd.Process.Signal(syscall.SIGSTOP)
		start := time.Now()
		status, _, out, err := a.do("DELETE", "/v3/auth/tokens", admin, token, "")
		took := time.Since(start)
		b.cmd.Process.Signal(syscall.SIGCONT)
		if status != 204 || took > 5*time.Second {
			t.Fatalf("revoked with %d after %s: %s %v", status, took, out, err)
		}
		if status, _, _, _ := b.do("GET", "/v3/auth/tokens", admin, token, ""); status != 404 {
			t.Errorf("what was revoked during the pause is answered by %d", status)
		}
	}
}
