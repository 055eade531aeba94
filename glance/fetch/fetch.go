package fetch

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"stackd/glance"
)

// A Client reads addresses by the rules of a filter.
type Client struct {
	filter  glance.Filter
	allowed []netip.Prefix
	out     *http.Client // checks whatever it connects to
	within  *http.Client // for addresses of the catalog; follows nothing
}

var _ glance.Fetcher = (*Client)(nil)

// New makes a client. Where the filter says nothing, http and https at ports 80 and
// 443 of public addresses may be read.
func New(f glance.Filter) (*Client, error) {
	c := &Client{filter: f}
	if len(f.Schemes)+len(f.NotSchemes) == 0 {
		c.filter.Schemes = []string{"http", "https"}
	}
	if len(f.Ports)+len(f.NotPorts) == 0 {
		c.filter.Ports = []int{80, 443}
	}
	for _, n := range f.Networks {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			return nil, fmt.Errorf("image: allowed_networks: %w", err)
		}
		c.allowed = append(c.allowed, p)
	}
	dial := &net.Dialer{Timeout: 15 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return public(a.Addr(), c.allowed)
	}}
	c.out = &http.Client{Transport: transport(dial), CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= 5 {
			return fmt.Errorf("more than 5 redirects")
		}
		return c.check(r.URL)
	}}
	c.within = &http.Client{Transport: transport(&net.Dialer{Timeout: 15 * time.Second}), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

// transport never asks a proxy: it would be the one that connects.
func transport(d *net.Dialer) *http.Transport {
	return &http.Transport{DialContext: d.DialContext, TLSHandshakeTimeout: 15 * time.Second, ResponseHeaderTimeout: time.Minute, DisableCompression: true,
		IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10}
}

// Allowed checks an address as far as its text tells.
func (c *Client) Allowed(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	return c.check(u)
}

func (c *Client) check(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	switch {
	case host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%q is no address that can be read", u.Redacted())
	case !passes(u.Scheme, c.filter.Schemes, c.filter.NotSchemes):
		return fmt.Errorf("scheme %q is not allowed", u.Scheme)
	case !passes(strings.TrimSuffix(host, "."), c.filter.Hosts, c.filter.NotHosts):
		return fmt.Errorf("host %q is not allowed", host)
	}
	port, err := portOf(u)
	if err != nil || !passes(port, c.filter.Ports, c.filter.NotPorts) {
		return fmt.Errorf("the port of %q is not allowed", u.Host)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return public(a, c.allowed)
	}
	return spelled(host)
}

func passes[T comparable](v T, allowed, not []T) bool {
	if len(allowed) > 0 {
		return slices.Contains(allowed, v)
	}
	return !slices.Contains(not, v)
}

func portOf(u *url.URL) (int, error) {
	switch p := u.Port(); {
	case p != "":
		return strconv.Atoi(p)
	case u.Scheme == "https":
		return 443, nil
	}
	return 80, nil
}

// Fetch reads what is at an address.
func (c *Client) Fetch(ctx context.Context, address string) (io.ReadCloser, int64, error) {
	if err := c.Allowed(address); err != nil {
		return nil, 0, err
	}
	return get(ctx, c.out, address, http.StatusOK, nil)
}

// FetchInside reads an address that the catalog has named, and follows no redirect:
// the token is for nobody else.
func (c *Client) FetchInside(ctx context.Context, address, token string) (io.ReadCloser, int64, error) {
	return get(ctx, c.within, address, http.StatusOK, map[string]string{"X-Auth-Token": token})
}

// Open opens what is at an address as a file. A server that knows no ranges is read
// from its beginning.
func (c *Client) Open(ctx context.Context, address string) (io.ReadSeekCloser, int64, error) {
	if err := c.Allowed(address); err != nil {
		return nil, 0, err
	}
	first, size, err := get(ctx, c.out, address, http.StatusOK, nil)
	if err != nil {
		return nil, 0, err
	}
	if size < 0 {
		first.Close()
		return nil, 0, fmt.Errorf("%q does not say how long it is", address)
	}
	return glance.Lazy(size, func(at int64) (io.ReadCloser, error) {
		if first != nil && at == 0 {
			body := first
			first = nil
			return body, nil
		}
		body, _, err := get(ctx, c.out, address, http.StatusOK, nil)
		if err == nil {
			_, err = io.CopyN(io.Discard, body, at)
		}
		return body, err
	}), size, nil
}

func get(ctx context.Context, c *http.Client, address string, want int, header map[string]string) (io.ReadCloser, int64, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		return nil, 0, err
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	a, err := c.Do(r)
	if err != nil {
		return nil, 0, err
	}
	if a.StatusCode != want {
		a.Body.Close()
		return nil, 0, fmt.Errorf("%s answers %s", r.URL.Redacted(), a.Status)
	}
	return a.Body, a.ContentLength, nil
}
