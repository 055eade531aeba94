package cloudtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// Several are control planes that are one cloud, over one PostgreSQL, behind a balancer.
type Several struct {
	t      testing.TB
	dir    string
	Planes []*Cloud
}

// NewSeveral starts n of a program; "" is today's. The second and later ones have the key
// and the administrator of the first, as a deployer gives them.
func NewSeveral(t testing.TB, n int, database, program string) *Several {
	t.Helper()
	dir, err := os.MkdirTemp("", "stackd-planes-") // sockets' names are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Several{t: t, dir: dir}
	at, addresses := s.addresses(n)
	for i, a := range addresses {
		c, err := New(filepath.Join(dir, fmt.Sprint("plane-", i+1)))
		if err != nil {
			t.Fatal(err)
		}
		if program != "" {
			c.Program = program
		}
		c.Listen, c.Name, c.Args = a, fmt.Sprintf("plane%d", i+1), []string{"--database", database, "--endpoint", at}
		s.Planes = append(s.Planes, c)
	}
	Balance(t, at, addresses...)
	for i, c := range s.Planes {
		s.furnish(i)
		t.Cleanup(func() { s.keepLog(i); c.Down() })
		if err := c.Serve(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// addresses are loopback addresses that nobody serves: the balancer's and the planes'.
func (s *Several) addresses(n int) (at string, planes []string) {
	s.t.Helper()
	for first := 1; first+n < 254; first += n + 1 {
		at = fmt.Sprintf("127.0.78.%d", first)
		l, err := net.Listen("tcp", at+":5000")
		if err != nil {
			continue
		}
		l.Close()
		for i := range n {
			planes = append(planes, fmt.Sprintf("127.0.78.%d", first+i+1))
		}
		return at, planes
	}
	s.t.Fatal("no loopback addresses are free")
	return "", nil
}

// furnish gives a plane's folder what all must have alike: settings, key, administrator.
func (s *Several) furnish(n int) {
	s.t.Helper()
	data := s.Planes[n].Data
	err := os.MkdirAll(data, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(data, "stackd.yaml"), fmt.Appendf(nil, "image: {stores: [{id: shared, type: file, dir: %s}]}\n", filepath.Join(s.dir, "images")), 0o600)
	}
	for _, name := range []string{"master.key", "keystonerc_admin"} {
		if n == 0 || err != nil {
			break
		}
		b, e := os.ReadFile(filepath.Join(s.Planes[0].Data, name))
		err = errors.Join(e, os.WriteFile(filepath.Join(data, name), b, 0o600))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// keepLog keeps the log of a plane when the test has failed.
func (s *Several) keepLog(n int) {
	if !s.t.Failed() {
		return
	}
	b, _ := os.ReadFile(filepath.Join(s.Planes[n].Data, "stackd.log"))
	keep := filepath.Join(os.TempDir(), fmt.Sprintf("stackd-plane-%d.log", n+1))
	os.WriteFile(keep, b, 0o600)
	s.t.Logf("the log of control plane %d is in %s", n+1, keep)
}

// Nodes has so many simulated hosts join; they know all control planes.
func (s *Several) Nodes(n int) *Cloud {
	s.t.Helper()
	nodes, err := s.Planes[0].Simulate(filepath.Join(s.dir, "nodes"), n, s.Planes[1:]...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { nodes.Down() })
	return nodes
}
