package ovn

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestResolvers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	text := "# made by hand\nnameserver 127.0.0.53\nnameserver 192.0.2.53\nsearch example.org\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\nnameserver nonsense\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Resolvers(file); !slices.Equal(got, []string{"192.0.2.53", "2001:db8::53"}) {
		t.Error(got)
	}
	if got := Resolvers(file + ".not"); got != nil {
		t.Error(got)
	}
}
