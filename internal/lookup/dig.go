package lookup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A Dig is one of dig's command lines.
type Dig struct {
	Asker
	Queries []Query
	Short   bool // only what was found
	JSON    bool
	System  Resolver

	kind uint16 // for names that follow
}

// Options are what flags of dig say; the words beside them are Read.
type Options struct {
	Source, File, Type, Reverse string
	Port                        int
	Only4, Only6, JSON          bool
}

// NewDig reads a command line.
func NewDig(o Options, words []string, system Resolver) (*Dig, error) {
	d := &Dig{Asker: Asker{Port: o.Port, Tries: 3}, System: system, JSON: o.JSON}
	switch {
	case o.Only4 && o.Only6:
		return nil, errors.New("-4 and -6 cannot go together")
	case o.Port < 0 || o.Port > 65535:
		return nil, fmt.Errorf("-p %d: a port from 1 to 65535 is wanted", o.Port)
	case o.Only4:
		d.Family = 4
	case o.Only6:
		d.Family = 6
	}
	if o.Source != "" {
		var err error
		if d.Source, err = source(o.Source); err != nil {
			return nil, err
		}
	}
	if o.Type != "" && !d.typed(o.Type) {
		return nil, fmt.Errorf("-t %s: a record type is wanted, for example A, AAAA, MX, NS, PTR, SOA, TXT or ANY", o.Type)
	}
	if err := d.read(words); err != nil {
		return nil, err
	}
	if o.Reverse != "" {
		q, err := reverse(o.Reverse)
		if err != nil {
			return nil, fmt.Errorf("-x %w", err)
		}
		d.Queries = append(d.Queries, q)
	}
	if len(d.Queries) == 0 && o.File == "" { // as dig does
		d.Queries = []Query{Root}
	}
	return d, nil
}

// source reads -b: an address, with a port after # where one is wanted.
func source(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, "#")
	ip, err := netip.ParseAddr(host)
	n := 0
	if err == nil && port != "" {
		n, err = strconv.Atoi(port)
	}
	if err != nil || n < 0 || n > 65535 {
		return netip.AddrPort{}, fmt.Errorf("-b %s: one of this machine's addresses is wanted, for example 192.0.2.10 or 192.0.2.10#5353", s)
	}
	return netip.AddrPortFrom(ip, uint16(n)), nil
}

// typed takes a type for the names that follow.
func (d *Dig) typed(word string) bool {
	t, ok := dns.StringToType[strings.ToUpper(word)]
	if ok && t != dns.TypeAXFR && t != dns.TypeIXFR {
		d.kind = t
		return true
	}
	return false
}

// read reads words: @server, +option, a type, a class, or a name. A type is for the
// name before it, or for the names after it when there is none.
func (d *Dig) read(words []string) error {
	for _, w := range words {
		last := len(d.Queries) - 1
		class, isClass := dns.StringToClass[strings.ToUpper(w)]
		switch was := d.kind; {
		case w[:min(1, len(w))] == "@":
			d.Servers = append(d.Servers, w[1:])
		case w[:min(1, len(w))] == "+":
			if err := d.option(w[1:]); err != nil {
				return err
			}
		case strings.EqualFold(w, "axfr") || strings.EqualFold(w, "ixfr"):
			return fmt.Errorf("%s: whole zones are not fetched", w)
		case d.typed(w):
			if last >= 0 {
				d.Queries[last].Type, d.kind = d.kind, was
			}
		case isClass && last >= 0:
			d.Queries[last].Class = class
		default:
			d.Queries = append(d.Queries, Query{w, d.usual(), dns.ClassINET})
		}
	}
	return nil
}

func (d *Dig) usual() uint16 {
	if d.kind != 0 {
		return d.kind
	}
	return dns.TypeA
}

// option takes one of dig's +options.
func (d *Dig) option(word string) error {
	key, value, _ := strings.Cut(word, "=")
	n, err := strconv.Atoi(value)
	switch key {
	case "short":
		d.Short = true
	case "tcp", "vc":
		d.TCP = true
	case "notcp", "novc", "edns", "recurse", "nocookie", "nosearch":
	case "noedns":
		d.Plain = true
	case "norecurse", "norec":
		d.Lone = true
	case "time", "timeout", "tries", "retry":
		if err != nil || n < 1 {
			return fmt.Errorf("+%s: a number from 1 is wanted", word)
		}
		switch key {
		case "tries":
			d.Tries = n
		case "retry":
			d.Tries = n + 1
		default:
			d.Timeout = time.Duration(n) * time.Second
		}
	default:
		return fmt.Errorf("+%s is not known; +short, +tcp, +noedns, +norecurse, +time=N and +tries=N are", word)
	}
	return nil
}

// Run asks everything and prints the answers.
func (d *Dig) Run(ctx context.Context, w io.Writer) error {
	a := d.Asker
	if len(a.Servers) == 0 {
		a.Servers = d.System.Servers()
	}
	for _, q := range d.Queries {
		got, err := a.Ask(ctx, q)
		if err != nil {
			return err
		}
		switch {
		case d.JSON:
			err = json.NewEncoder(w).Encode(got.data())
		case d.Short:
			_, err = io.WriteString(w, got.found())
		default:
			_, err = io.WriteString(w, got.whole(q, d.Servers))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Batch runs each line of a file as a command line of its own, beside what o says.
func Batch(ctx context.Context, o Options, words []string, system Resolver, lines io.Reader, w io.Writer) error {
	var errs []error
	in := bufio.NewScanner(lines)
	for n := 1; in.Scan() && ctx.Err() == nil; n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		one, line2, err := inline(o, strings.Fields(line))
		var d *Dig
		if err == nil {
			d, err = NewDig(one, append(append([]string{}, words...), line2...), system)
		}
		if err == nil {
			err = d.Run(ctx, w)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
		}
	}
	return errors.Join(append(errs, in.Err())...)
}

// inline takes the flags -x, -t and -p of a line out of its words.
func inline(o Options, words []string) (Options, []string, error) {
	o.File = ""
	var rest []string
	for i := 0; i < len(words); i++ {
		flag := words[i]
		if len(flag) != 2 || flag[0] != '-' {
			rest = append(rest, flag)
			continue
		}
		if flag == "-4" || flag == "-6" {
			o.Only4, o.Only6 = flag == "-4", flag == "-6"
			continue
		}
		if i++; i == len(words) {
			return o, nil, fmt.Errorf("%s wants a value", flag)
		}
		var err error
		switch flag {
		case "-x":
			o.Reverse = words[i]
		case "-t":
			o.Type = words[i]
		case "-b":
			o.Source = words[i]
		case "-p":
			o.Port, err = strconv.Atoi(words[i])
		default:
			err = errors.New("-b, -p, -t, -x, -4 and -6 may be in a file")
		}
		if err != nil {
			return o, nil, fmt.Errorf("%s: %w", flag, err)
		}
	}
	return o, rest, nil
}
