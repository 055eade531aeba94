package lookup

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// A nameserver answers for example.test and the network of 192.0.2.0, over both
// protocols, and keeps who asked.
type nameserver struct {
	port    int
	callers chan string
}

var zone = []string{
	"controller.example.test. 60 IN A 192.0.2.10", "controller.example.test. 60 IN AAAA 2001:db8::10",
	"10.2.0.192.in-addr.arpa. 60 IN PTR controller.example.test.", "example.test. 60 IN MX 5 mail.example.test.",
	"www.example.test. 60 IN CNAME controller.example.test.", "big.example.test. 60 IN TXT " + strconv.Quote(strings.Repeat("x", 250)),
}

func newNameserver(t *testing.T, host string) *nameserver {
	t.Helper()
	s := &nameserver{callers: make(chan string, 100)}
	tcp, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s.port = tcp.Addr().(*net.TCPAddr).Port
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil { // somebody else has it over this protocol
		tcp.Close()
		return newNameserver(t, host)
	}
	for _, srv := range []*dns.Server{{PacketConn: udp, Handler: s}, {Listener: tcp, Handler: s}} {
		go srv.ActivateAndServe()
		t.Cleanup(func() { srv.Shutdown() })
	}
	return s
}

func (s *nameserver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	over := w.RemoteAddr().Network()
	host, _, _ := net.SplitHostPort(w.RemoteAddr().String())
	s.callers <- over + " " + host
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	known := false
	for _, line := range zone {
		r, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		if !strings.EqualFold(r.Header().Name, q.Question[0].Name) {
			continue
		}
		known = true
		if t := r.Header().Rrtype; t == q.Question[0].Qtype || t == dns.TypeCNAME {
			m.Answer = append(m.Answer, r)
		}
	}
	if !known {
		m.Rcode = dns.RcodeNameError
	}
	if over == "udp" && strings.HasPrefix(q.Question[0].Name, "big.") {
		m.Answer, m.Truncated = nil, true
	}
	w.WriteMsg(m)
}

func resolver(t *testing.T, text string) Resolver {
	t.Helper()
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return System(file)
}

func dig(t *testing.T, o Options, words ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	d, err := NewDig(o, words, resolver(t, "nameserver 127.0.0.1\n"))
	if err == nil {
		err = d.Run(t.Context(), &out)
	}
	return out.String(), err
}

func TestDig(t *testing.T) {
	s := newNameserver(t, "127.0.0.1")
	for _, c := range []struct {
		o     Options
		words string
		want  []string
	}{
		{Options{}, "@127.0.0.1 controller.example.test", []string{"status: NOERROR", "flags: qr aa rd; QUERY: 1, ANSWER: 1", "controller.example.test.\t60\tIN\tA\t192.0.2.10", ";; SERVER: 127.0.0.1#" + strconv.Itoa(s.port) + "(127.0.0.1) (UDP)"}},
		{Options{}, "controller.example.test +short", []string{"192.0.2.10\n"}},
		{Options{Reverse: "192.0.2.10"}, "+short", []string{"controller.example.test.\n"}},
		{Options{Type: "mx"}, "example.test +short", []string{"5 mail.example.test.\n"}},
		{Options{}, "AAAA controller.example.test +short", []string{"2001:db8::10\n"}},
		{Options{}, "controller.example.test aaaa example.test mx +short", []string{"2001:db8::10\n5 mail.example.test.\n"}},
		{Options{}, "nobody.example.test", []string{"status: NXDOMAIN"}},
		{Options{}, "big.example.test txt", []string{"(TCP)", "xxxxxxxx"}},
		{Options{}, "www.example.test +tcp +short", []string{"controller.example.test.\n"}},
		{Options{JSON: true}, "controller.example.test", []string{`"status":"NOERROR"`, `"answer":[{"name":"controller.example.test.","ttl":60,"class":"IN","type":"A","data":"192.0.2.10"}]`}},
	} {
		c.o.Port = s.port
		out, err := dig(t, c.o, strings.Fields(c.words)...)
		for _, want := range c.want {
			if err != nil || !strings.Contains(out, want) {
				t.Errorf("%s: %v: no %q in\n%s", c.words, err, want, out)
			}
		}
	}
}

// -b is where it is asked from, -4 and -6 are by what.
func TestFromWhere(t *testing.T) {
	s := newNameserver(t, "127.0.0.1")
	o := Options{Port: s.port, Source: "127.0.0.7"}
	for _, words := range [][]string{{"example.test"}, {"example.test", "+tcp"}} {
		if _, err := dig(t, o, words...); err != nil {
			t.Fatal(err)
		}
		if who := <-s.callers; !strings.HasSuffix(who, " 127.0.0.7") {
			t.Error("asked from", who)
		}
	}
	if _, err := dig(t, Options{Port: s.port, Only6: true}, "example.test", "+tries=1"); err == nil || !strings.Contains(err.Error(), "not of IPv6") {
		t.Error(err)
	}
	six := newNameserver(t, "::1")
	if out, err := dig(t, Options{Port: six.port, Only6: true}, "@::1", "controller.example.test", "+short"); err != nil || out != "192.0.2.10\n" {
		t.Error(out, err)
	}
}

func TestBatch(t *testing.T) {
	s := newNameserver(t, "127.0.0.1")
	var out bytes.Buffer
	lines := "# names\ncontroller.example.test\n\n-x 192.0.2.10\nexample.test -t mx\ncontroller.example.test -t nonsense\n"
	err := Batch(t.Context(), Options{Port: s.port, File: "f"}, []string{"+short"}, resolver(t, "nameserver 127.0.0.1\n"), strings.NewReader(lines), &out)
	if got := out.String(); got != "192.0.2.10\ncontroller.example.test.\n5 mail.example.test.\n" {
		t.Error(got)
	}
	if err == nil || !strings.Contains(err.Error(), "line 6: -t nonsense") {
		t.Error("a bad line is not told:", err)
	}
}

func TestWordsThatAreWrong(t *testing.T) {
	for want, o := range map[string]Options{"-b nowhere": {Source: "nowhere"}, "-x 10.1": {Reverse: "10.1"}, "-t Q": {Type: "Q"}, "-4 and -6": {Only4: true, Only6: true}, "-p 70000": {Port: 70000}} {
		if _, err := NewDig(o, []string{"a.test"}, Resolver{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, w := range []string{"+sort", "+time=x", "axfr"} {
		if _, err := NewDig(Options{}, []string{w}, Resolver{}); err == nil {
			t.Error(w, "is taken")
		}
	}
	if _, err := dig(t, Options{}, "@192.0.2.x.invalid", "a.test", "+tries=1"); err == nil || !strings.Contains(err.Error(), "couldn't get its address") {
		t.Error(err)
	}
}

func TestNslookup(t *testing.T) {
	s := newNameserver(t, "127.0.0.1")
	find := func(do func(l *Lookup) error) (string, error) {
		var out bytes.Buffer
		l := &Lookup{Asker: Asker{Port: s.port}, System: resolver(t, "search other.test example.test\nnameserver 127.0.0.1\n"), Out: &out}
		err := do(l)
		return out.String(), err
	}
	head := "Server:\t\t127.0.0.1\nAddress:\t127.0.0.1#" + strconv.Itoa(s.port) + "\n\n"
	out, err := find(func(l *Lookup) error { return l.Find(t.Context(), "controller") })
	if want := head + "Name:\tcontroller.example.test\nAddress: 192.0.2.10\n\nName:\tcontroller.example.test\nAddress: 2001:db8::10\n\n"; err != nil || out != want {
		t.Errorf("%v %q", err, out)
	}
	out, err = find(func(l *Lookup) error { return l.Find(t.Context(), "192.0.2.10") })
	if err != nil || !strings.Contains(out, "10.2.0.192.in-addr.arpa\tname = controller.example.test.") {
		t.Errorf("%v %q", err, out)
	}
	out, err = find(func(l *Lookup) error { return l.Find(t.Context(), "nobody") })
	if err == nil || !strings.Contains(out, "** server can't find nobody: NXDOMAIN") {
		t.Errorf("%v %q", err, out)
	}
	out, err = find(func(l *Lookup) error {
		return l.Session(t.Context(), strings.NewReader("set type=mx\nexample.test.\nset type=none\ncontroller\nexit\nwww\n"))
	})
	if err != nil || !strings.Contains(out, "mail exchanger = 5 mail.example.test.") || !strings.Contains(out, "unknown query type: none") || strings.Contains(out, "canonical") || !strings.Contains(out, "Can't find controller: No answer") {
		t.Errorf("%v %q", err, out)
	}
}
