package lookup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A Lookup is a session of nslookup.
type Lookup struct {
	Asker
	System Resolver
	Out    io.Writer

	types []uint16 // nil for addresses
}

// Set takes one of nslookup's options, as after a dash or after set: type=mx.
func (l *Lookup) Set(word string) error {
	key, value, _ := strings.Cut(word, "=")
	n, err := strconv.Atoi(value)
	switch key {
	case "type", "query", "querytype", "q", "ty":
		t, ok := dns.StringToType[strings.ToUpper(value)]
		if !ok {
			return fmt.Errorf("unknown query type: %s", value)
		}
		l.types = []uint16{t}
	case "port", "po":
		if err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("port %s: a port from 1 to 65535 is wanted", value)
		}
		l.Port = n
	case "timeout", "t":
		if err != nil || n < 1 {
			return fmt.Errorf("timeout %s: a number of seconds is wanted", value)
		}
		l.Timeout = time.Duration(n) * time.Second
	case "retry", "ret":
		l.Tries = n + 1
	case "vc":
		l.TCP = true
	case "novc", "recurse", "rec", "nodebug", "search":
	case "norecurse", "norec":
		l.Lone = true
	default:
		return fmt.Errorf("*** invalid option: %s; type=, port=, timeout=, retry=, vc and norecurse are known", word)
	}
	return nil
}

// Find looks a name or an address up, and prints what nslookup would.
func (l *Lookup) Find(ctx context.Context, name string) error {
	a := l.Asker
	if len(a.Servers) == 0 {
		a.Servers = l.System.Servers()
	}
	if ip, err := netip.ParseAddr(name); err == nil && l.types == nil {
		q, err := reverse(ip.String())
		if err != nil {
			return err
		}
		return l.one(ctx, a, q.Name, []string{q.Name}, []uint16{dns.TypePTR})
	}
	types := l.types
	if types == nil {
		types = []uint16{dns.TypeA, dns.TypeAAAA}
	}
	return l.one(ctx, a, name, l.System.Names(name), types)
}

// one asks for the first of names that there is.
func (l *Lookup) one(ctx context.Context, a Asker, asked string, names []string, types []uint16) error {
	told, status := false, -1
	for _, name := range names {
		found := false
		for _, t := range types {
			got, err := a.Ask(ctx, Query{name, t, dns.ClassINET})
			if err != nil {
				return fmt.Errorf(";; %w", err)
			}
			if !told {
				host, port, _ := strings.Cut(got.Server, "#")
				fmt.Fprintf(l.Out, "Server:\t\t%s\nAddress:\t%s#%s\n\n", got.Name, host, port)
				told = true
			}
			if status != dns.RcodeSuccess {
				status = got.Rcode
			}
			found = l.tell(got) || found
		}
		if found {
			return nil
		}
	}
	if status == dns.RcodeSuccess {
		fmt.Fprintf(l.Out, "*** Can't find %s: No answer\n\n", strings.TrimSuffix(asked, "."))
		return errNotFound
	}
	fmt.Fprintf(l.Out, "** server can't find %s: %s\n\n", strings.TrimSuffix(asked, "."), dns.RcodeToString[status])
	return errNotFound
}

var errNotFound = errors.New("it was not found")

// tell prints the records of an answer.
func (l *Lookup) tell(a *Answer) bool {
	if len(a.Msg.Answer) > 0 && !a.Authoritative {
		fmt.Fprintln(l.Out, "Non-authoritative answer:")
	}
	for _, r := range a.Msg.Answer {
		name := strings.TrimSuffix(r.Header().Name, ".")
		switch r := r.(type) {
		case *dns.A:
			fmt.Fprintf(l.Out, "Name:\t%s\nAddress: %s\n\n", name, r.A)
		case *dns.AAAA:
			fmt.Fprintf(l.Out, "Name:\t%s\nAddress: %s\n\n", name, r.AAAA)
		case *dns.PTR:
			fmt.Fprintf(l.Out, "%s\tname = %s\n\n", name, r.Ptr)
		case *dns.CNAME:
			fmt.Fprintf(l.Out, "%s\tcanonical name = %s\n", name, r.Target)
		case *dns.MX:
			fmt.Fprintf(l.Out, "%s\tmail exchanger = %d %s\n", name, r.Preference, r.Mx)
		case *dns.NS:
			fmt.Fprintf(l.Out, "%s\tnameserver = %s\n", name, r.Ns)
		default:
			fmt.Fprintf(l.Out, "%s\t%s = %s\n", name, strings.ToLower(dns.TypeToString[r.Header().Rrtype]), data(r))
		}
	}
	return len(a.Msg.Answer) > 0
}

// Session reads lines as nslookup does without a name: names, server ADDRESS, set OPTION, exit.
func (l *Lookup) Session(ctx context.Context, lines io.Reader) error {
	in := bufio.NewScanner(lines)
	for in.Scan() && ctx.Err() == nil {
		word, rest, _ := strings.Cut(strings.TrimSpace(in.Text()), " ")
		rest = strings.TrimSpace(rest)
		var err error
		switch word {
		case "":
		case "exit", "quit":
			return nil
		case "server", "lserver":
			l.Servers = []string{rest}
		case "set":
			err = l.Set(rest)
		default:
			if rest == "" {
				err = l.Find(ctx, word)
				break
			}
			other := *l
			other.Servers = []string{rest}
			err = other.Find(ctx, word)
		}
		if err != nil && !errors.Is(err, errNotFound) {
			fmt.Fprintln(l.Out, err)
		}
	}
	return in.Err()
}
