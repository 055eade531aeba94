package lookup

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// whole is an answer as dig prints it.
func (a *Answer) whole(q Query, servers []string) string {
	var b strings.Builder
	b.WriteString("\n; <<>> stackd dig <<>>")
	for _, s := range servers {
		b.WriteString(" @" + s)
	}
	fmt.Fprintf(&b, " %s %s\n;; Got answer:\n", q.Name, dns.TypeToString[q.Type])
	text := a.Msg.String()
	text = strings.TrimPrefix(text, ";; opcode")
	if !strings.HasPrefix(text, ";; ->>HEADER<<-") {
		text = ";; ->>HEADER<<- opcode" + text
	}
	b.WriteString(text)
	fmt.Fprintf(&b, "\n;; Query time: %d msec\n;; SERVER: %s(%s) (%s)\n;; WHEN: %s\n;; MSG SIZE  rcvd: %d\n\n",
		a.Took.Milliseconds(), a.Server, a.Name, strings.ToUpper(a.Over), a.Started.Format("Mon Jan 02 15:04:05 MST 2006"), a.Len())
	return b.String()
}

// found is what was found alone, a record a line.
func (a *Answer) found() string {
	s := ""
	for _, r := range a.Msg.Answer {
		s += data(r) + "\n"
	}
	return s
}

// data is a record without what stands before its data.
func data(r dns.RR) string { return strings.TrimPrefix(r.String(), r.Header().String()) }

// A record is one of an answer, for programs.
type record struct {
	Name  string `json:"name"`
	TTL   uint32 `json:"ttl"`
	Class string `json:"class"`
	Type  string `json:"type"`
	Data  string `json:"data"`
}

func records(all []dns.RR) []record {
	out := []record{}
	for _, r := range all {
		h := r.Header()
		if h.Rrtype != dns.TypeOPT {
			out = append(out, record{h.Name, h.Ttl, dns.ClassToString[h.Class], dns.TypeToString[h.Rrtype], data(r)})
		}
	}
	return out
}

// data is the answer for programs.
func (a *Answer) data() any {
	q := a.Question[0]
	return struct {
		Question      string   `json:"question"`
		Type          string   `json:"type"`
		Status        string   `json:"status"`
		Authoritative bool     `json:"authoritative"`
		Server        string   `json:"server"`
		Milliseconds  float64  `json:"milliseconds"`
		Answer        []record `json:"answer"`
		Authority     []record `json:"authority"`
		Additional    []record `json:"additional"`
	}{q.Name, dns.TypeToString[q.Qtype], dns.RcodeToString[a.Rcode], a.Authoritative, a.Server, float64(a.Took) / float64(time.Millisecond), records(a.Msg.Answer), records(a.Ns), records(a.Extra)}
}
