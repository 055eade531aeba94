package lookup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// An Asker says how servers are asked.
type Asker struct {
	Servers []string       // addresses or names, asked in turn until one answers
	Port    int            // 53 when 0
	Source  netip.AddrPort // what is asked from; the zero value leaves it to the kernel
	Family  int            // 4 or 6 for that alone, 0 for both
	TCP     bool
	Plain   bool // without EDNS, which some servers do not answer
	Lone    bool // without the wish for recursion
	Tries   int  // 3 when 0
	Timeout time.Duration
}

// An Answer is what a server said.
type Answer struct {
	*dns.Msg
	Server  string // its address and port as dig writes them: 192.0.2.5#53
	Name    string // as it was asked for
	Took    time.Duration
	Over    string // udp or tcp
	Started time.Time
}

// A Query is one question.
type Query struct {
	Name  string
	Type  uint16
	Class uint16
}

// reverse is the question for an address's name.
func reverse(address string) (Query, error) {
	name, err := dns.ReverseAddr(address)
	if err != nil {
		return Query{}, fmt.Errorf("%s is no address: 192.0.2.10 or 2001:db8::1 is wanted", address)
	}
	return Query{name, dns.TypePTR, dns.ClassINET}, nil
}

// Ask asks servers in turn; the first answer counts, whatever it says.
func (a Asker) Ask(ctx context.Context, q Query) (*Answer, error) {
	if _, ok := dns.IsDomainName(q.Name); !ok || q.Name == "" {
		return nil, fmt.Errorf("%q is no domain name", q.Name)
	}
	var errs []error
	for range max(1, a.Tries) {
		for _, s := range a.Servers {
			all, err := a.addresses(ctx, s)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			for _, ip := range all {
				got, err := a.once(ctx, q, s, ip)
				if err == nil || ctx.Err() != nil {
					return got, err
				}
				errs = append(errs, err)
			}
		}
	}
	return nil, fmt.Errorf("no server answers: %w", errors.Join(distinct(errs)...))
}

func distinct(errs []error) (all []error) {
	seen := map[string]bool{}
	for _, err := range errs {
		if !seen[err.Error()] {
			seen[err.Error()] = true
			all = append(all, err)
		}
	}
	return all
}

// addresses are a server's, of the family that is wanted.
func (a Asker) addresses(ctx context.Context, server string) ([]netip.Addr, error) {
	network := "ip"
	if a.Family != 0 {
		network = fmt.Sprint("ip", a.Family)
	}
	if ip, err := netip.ParseAddr(server); err == nil {
		if a.Family == 4 && !ip.Is4() || a.Family == 6 && ip.Is4() {
			return nil, fmt.Errorf("server %s is not of IPv%d", server, a.Family)
		}
		return []netip.Addr{ip}, nil
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, network, server)
	if err != nil {
		return nil, fmt.Errorf("server %s: couldn't get its address: %w", server, err)
	}
	for i := range all {
		all[i] = all[i].Unmap()
	}
	return all, nil
}

// once asks one server once; what does not fit into a datagram it asks again over TCP.
func (a Asker) once(ctx context.Context, q Query, name string, ip netip.Addr) (*Answer, error) {
	port := uint16(max(a.Port, 0))
	if port == 0 {
		port = 53
	}
	m := new(dns.Msg).SetQuestion(dns.Fqdn(q.Name), q.Type)
	m.Question[0].Qclass = q.Class
	m.RecursionDesired = !a.Lone
	if !a.Plain {
		m.SetEdns0(1232, false)
	}
	over := "udp"
	if a.TCP {
		over = "tcp"
	}
	at := netip.AddrPortFrom(ip, port)
	got := &Answer{Server: fmt.Sprintf("%s#%d", ip, port), Name: name, Started: time.Now()}
	var err error
	got.Msg, got.Took, err = a.exchange(ctx, m, at, over)
	if err == nil && got.Truncated && over == "udp" {
		over = "tcp"
		got.Msg, got.Took, err = a.exchange(ctx, m, at, over)
	}
	got.Over = over
	if err != nil {
		return nil, fmt.Errorf("%s: %w", got.Server, plainly(err))
	}
	return got, nil
}

func (a Asker) exchange(ctx context.Context, m *dns.Msg, at netip.AddrPort, over string) (*dns.Msg, time.Duration, error) {
	wait := a.Timeout
	if wait == 0 {
		wait = 5 * time.Second
	}
	d := &net.Dialer{Timeout: wait}
	if a.Source.IsValid() && over == "tcp" {
		d.LocalAddr = net.TCPAddrFromAddrPort(a.Source)
	} else if a.Source.IsValid() {
		d.LocalAddr = net.UDPAddrFromAddrPort(a.Source)
	}
	c := &dns.Client{Net: over, Dialer: d, Timeout: wait}
	return c.ExchangeContext(ctx, m, at.String())
}

// plainly is an error of a connection without what the reader knows.
func plainly(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("timed out")
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// Resolver is what /etc/resolv.conf says: its servers, and the names that a name that is
// not whole may stand for.
type Resolver struct{ c *dns.ClientConfig }

// System reads a resolv.conf; where there is none the server is this machine.
func System(file string) Resolver {
	c, err := dns.ClientConfigFromFile(file)
	if err != nil || len(c.Servers) == 0 {
		c = &dns.ClientConfig{Servers: []string{"127.0.0.1"}, Ndots: 1}
	}
	return Resolver{c}
}

// Servers are its servers.
func (r Resolver) Servers() []string { return r.c.Servers }

// Names are what a name may stand for, in the order they are tried.
func (r Resolver) Names(name string) []string {
	if strings.HasSuffix(name, ".") {
		return []string{name}
	}
	return r.c.NameList(name)
}

// Root is the question that every server which takes questions answers.
var Root = Query{".", dns.TypeNS, dns.ClassINET}
