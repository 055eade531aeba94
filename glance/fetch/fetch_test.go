package fetch

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"stackd/glance"
)

func client(t *testing.T, f glance.Filter) *Client {
	t.Helper()
	c, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every spelling of an address inside is refused by its text alone (OSSA-2026-004).
func TestSpellingsOfInside(t *testing.T) {
	c := client(t, glance.Filter{})
	for _, host := range []string{
		"127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.1.", "0", "0.0.0.0",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::a00:1]",
		"[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]",
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "0xa9fea9fe", "2852039166", "169.254.43518",
		"127。0。0。1", "１２７.0.0.1", "①②⑦.0.0.1", "user@127.0.0.1", "example.org:80@127.0.0.1", "",
	} {
		if err := c.Allowed("http://" + host + "/x"); err == nil {
			t.Errorf("%s passes", host)
		}
	}
	for _, address := range []string{"http://93.184.216.34/x", "https://[2606:2800:220:1::1]/", "http://example.org", "https://example.org:443/a?b=c", "http://127.0.0.1.example.org/"} {
		if err := c.Allowed(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestFilters(t *testing.T) {
	for _, x := range []struct {
		filter  glance.Filter
		address string
		ok      bool
	}{
		{glance.Filter{}, "http://example.org:8080/", false},
		{glance.Filter{}, "ftp://example.org/", false},
		{glance.Filter{}, "file:///etc/passwd", false},
		{glance.Filter{}, "gopher://example.org/", false},
		{glance.Filter{Schemes: []string{"https"}}, "http://example.org/", false},
		{glance.Filter{NotSchemes: []string{"http"}}, "https://example.org/", true},
		{glance.Filter{Ports: []int{8080}}, "http://example.org:8080/", true},
		{glance.Filter{Ports: []int{8080}}, "http://example.org/", false},
		{glance.Filter{NotPorts: []int{22}}, "http://example.org:22/", false},
		{glance.Filter{Hosts: []string{"a.example"}}, "http://b.example/", false},
		{glance.Filter{Hosts: []string{"a.example"}}, "http://A.EXAMPLE./", true},
		{glance.Filter{NotHosts: []string{"a.example"}}, "http://A.example/", false},
		{glance.Filter{Networks: []string{"10.0.0.0/8"}}, "http://10.1.2.3/", true},
		{glance.Filter{Networks: []string{"10.0.0.0/8"}}, "http://192.168.2.3/", false},
	} {
		if err := client(t, x.filter).Allowed(x.address); (err == nil) != x.ok {
			t.Errorf("%+v %s: %v", x.filter, x.address, err)
		}
	}
	if _, err := New(glance.Filter{Networks: []string{"x"}}); err == nil {
		t.Error("a network that is none")
	}
}

// A name that leads inside is found out when it is connected to, and so is a redirect.
func TestNamesAndRedirectsThatLeadInside(t *testing.T) {
	reached := false
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer inner.Close()
	port, _ := strconv.Atoi(inner.URL[strings.LastIndexByte(inner.URL, ':')+1:])
	c := client(t, glance.Filter{NotPorts: []int{1}})
	if err := c.Allowed(fmt.Sprintf("http://localhost:%d/", port)); err != nil {
		t.Fatal("a name cannot be judged by its text:", err)
	}
	if body, _, err := c.Fetch(t.Context(), fmt.Sprintf("http://localhost:%d/", port)); err == nil || reached {
		body.Close()
		t.Error("localhost was read")
	}
	// The first server is on a network that is allowed, and sends on to ones that are not.
	l, err := net.Listen("tcp", "127.0.0.9:0")
	if err != nil {
		t.Fatal(err)
	}
	to := ""
	outer := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })}
	go outer.Serve(l)
	defer outer.Close()
	c = client(t, glance.Filter{NotPorts: []int{1}, Networks: []string{"127.0.0.9/32"}})
	for _, to = range []string{inner.URL, fmt.Sprintf("http://localhost:%d/", port), fmt.Sprintf("http://0x7f.1:%d/", port), fmt.Sprintf("http://[::ffff:127.0.0.1]:%d/", port), "file:///etc/passwd", "http://" + l.Addr().String()} {
		if body, _, err := c.Fetch(t.Context(), "http://"+l.Addr().String()); err == nil || reached {
			body.Close()
			t.Errorf("a redirect to %s was followed", to)
		}
	}
}

// A token goes to the one service that was asked for, and not on.
func TestInsideFollowsNothing(t *testing.T) {
	got := ""
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("X-Auth-Token") }))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer first.Close()
	if body, _, err := client(t, glance.Filter{}).FetchInside(t.Context(), first.URL, "secret"); err == nil || got != "" {
		body.Close()
		t.Error("the token went to", got)
	}
}

func TestOpenReadsFromAnywhere(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "0123456789") }))
	defer web.Close()
	f, size, err := client(t, glance.Filter{NotPorts: []int{1}, Networks: []string{"127.0.0.0/8"}}).Open(context.Background(), web.URL)
	if err != nil || size != 10 {
		t.Fatal(size, err)
	}
	defer f.Close()
	for _, at := range []int64{0, 7, 3, 10} {
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil || string(b) != "0123456789"[at:] {
			t.Errorf("from %d: %q %v", at, b, err)
		}
	}
}

// Whatever is written for a host, either it is refused, or what it names is public.
func FuzzAllowed(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "[::1]", "0x7f.1", "example.org", "1.1.1.1"} {
		f.Add(s)
	}
	c, err := New(glance.Filter{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if c.Allowed("http://"+host+"/") != nil {
			return
		}
		u, err := url.Parse("http://" + host + "/")
		if err != nil {
			t.Fatal("what cannot be read passes")
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && (a.Unmap().IsLoopback() || a.Unmap().IsPrivate() || a.IsLinkLocalUnicast()) {
			t.Errorf("%q passes", host)
		}
	})
}
