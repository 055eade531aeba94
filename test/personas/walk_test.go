package personas

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"stackd/internal/policy"
	"stackd/internal/rest"

	cinderapi "stackd/cinder/api"
	glanceapi "stackd/glance/api"
	keystoneapi "stackd/keystone/api"
	neutronapi "stackd/neutron/api"
	novaapi "stackd/nova/api"
	placementapi "stackd/placement/api"
)

var learn = flag.Bool("learn", false, "write the golden file anew")

func TestMain(m *testing.M) {
	flag.Parse()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// A row is one operation, and what each caller is told: for own things, and for
// foreign ones.
type row struct {
	service string
	rest.Route
	cells [][2]byte
}

// The services' names in the policy table.
var policies = map[string]string{"identity": "keystone", "image": "glance", "compute": "nova", "network": "neutron", "placement": "placement", "volume": "cinder"}

func (w *world) rows() []row {
	var all []row
	for _, s := range []struct {
		name   string
		routes []rest.Route
	}{
		{"identity", keystoneapi.Routes(w.c.Identity)}, {"image", glanceapi.Routes(w.c.Imaging)}, {"placement", placementapi.Routes(w.c.Placement)},
		{"compute", novaapi.Routes(w.c.Compute)}, {"network", neutronapi.Routes(w.c.Networking, w.c.Rules["neutron"])}, {"volume", cinderapi.Routes(w.c.Storage)},
	} {
		for _, r := range s.routes {
			if !r.Open {
				all = append(all, row{service: s.name, Route: r})
			}
		}
	}
	return all
}

var errUndo = errors.New("undo")

// ask makes one request and undoes all it did. + is let in, - is forbidden, ? is
// not found, x is a request that says nothing good, 0 is not known, ! is a fault of ours.
func (w *world) ask(r *row, token, call, body string) (verdict byte, status int, text string) {
	err := w.c.DB.Tx(context.Background(), func(ctx context.Context) error {
		out := w.sendAt(ctx, r.service, version(r), token, call, body)
		status, text = out.Code, out.Body.String()
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		w.t.Fatal(call, err)
	}
	switch {
	case status == 401:
		return '0', status, text
	case status == 403:
		return '-', status, text
	case status == 404:
		return '?', status, text
	case status == 400:
		return 'x', status, text
	case status >= 500:
		return '!', status, text
	}
	return '+', status, text
}

// call is the request of a row on one side; missing is a parameter that nothing is
// known of.
func (w *world) call(r row, side int) (call, body, missing string) {
	method, pattern, _ := strings.Cut(r.On, " ")
	path, missing := w.path(r.service, method, pattern, side)
	if missing != "" {
		return "", "", missing
	}
	how, ok := bodies[strings.TrimSpace(r.service+" "+r.On+" "+r.Action)]
	switch {
	case ok:
	case r.Action != "":
		how.body = fmt.Sprintf(`{%q:null}`, r.Action)
	case method != "GET" && method != "HEAD" && method != "DELETE":
		how.body = "{}"
	}
	if side == foreign && how.foreign != "" {
		how.query = how.foreign
	}
	return method + " " + path + w.fill(how.query, side), w.fill(how.body, side), ""
}

func TestMatrix(t *testing.T) {
	w := newWorld(t)
	rows := w.rows()
	for n := range rows {
		r := &rows[n]
		for _, p := range w.personas {
			var cell [2]byte
			var before string
			for side := range cell {
				call, body, missing := w.call(*r, side)
				if missing != "" {
					t.Fatalf("%s %s: there is no %s to try it on; make one in things_test.go", r.service, r.On, missing)
				}
				if call+body == before { // it is about nobody's things in particular
					cell[side] = '.'
					break
				}
				before = call + body
				v, status, text := w.ask(r, p.token, call, body)
				if cell[side] = v; v == '!' {
					t.Errorf("%s: %s %s %s: %d %s", p.name, r.service, call, body, status, text)
				}
				if os.Getenv("PERSONA") == p.name && strings.Contains(r.service+" "+r.On, os.Getenv("ROW")) {
					t.Logf("%s %s %s %s: %d %s", p.name, r.service, call, body, status, text)
				}
			}
			r.cells = append(r.cells, cell)
		}
	}
	w.compare(t, rows)
	w.holdAgainstRules(t, rows)
}

// compare holds what happened against the golden file.
func (w *world) compare(t *testing.T, rows []row) {
	var b strings.Builder
	b.WriteString("# What each caller is told, on things of its own project and domain and on foreign ones:\n# + let in, - forbidden, ? not found, x bad request, 0 token refused, . as on the own. Written by: go test ./test/personas -learn\nservice\toperation\trule")
	for _, p := range w.personas {
		b.WriteString("\t" + p.name)
	}
	b.WriteString("\n")
	for _, r := range rows {
		rule := r.Rule
		if rule == "" {
			rule = "(" + r.Asks + ")"
		}
		fmt.Fprintf(&b, "%s\t%s\t%s", r.service, strings.TrimSpace(r.On+" "+r.Action), rule)
		for _, c := range r.cells {
			b.WriteString("\t" + string(c[:]))
		}
		b.WriteString("\n")
	}
	const file = "testdata/matrix.tsv"
	if *learn {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(golden), "\n")
	for _, line := range strings.Split(b.String(), "\n") {
		if !slices.Contains(want, line) {
			t.Errorf("not as in %s:\n%s", file, line)
		}
	}
	if n := strings.Count(b.String(), "\n"); n != len(want)-1 {
		t.Errorf("there are %d lines, %s has %d", n, file, len(want)-1)
	}
}

// target is a side's things as rules may name them.
func (w *world) target(side int) policy.Target {
	t := policy.Target{"user_id": w.user[side]}
	for _, n := range []string{"project_id", "tenant_id", "owner", "network:project_id", "network:tenant_id", "router:project_id", "ext_parent:project_id", "security_group:tenant_id", "security_group:project_id", "project"} {
		t[n] = w.project[side]
	}
	for _, n := range []string{"user", "project", "group", "domain", "trust", "credential", "limit"} {
		t["target."+n+".domain_id"], t["target."+n+".project_id"], t["target."+n+".user_id"] = w.domain[side], w.project[side], w.user[side]
	}
	t["domain_id"], t["target.domain_id"], t["target.limit.project.domain_id"], t["target.role.domain_id"] = w.domain[side], w.domain[side], w.domain[side], ""
	t["target.domain.id"], t["target.project.id"], t["target.user.id"], t["target.token.user_id"] = w.domain[side], w.project[side], w.user[side], w.user[own]
	t["target.trust.trustor_user_id"], t["target.trust.trustee_user_id"] = w.user[side], w.named("reader").user
	return t
}

// holdAgainstRules asks the rules themselves, without the services: whom they let
// in must be let in, whom they keep out must be kept out.
func (w *world) holdAgainstRules(t *testing.T, rows []row) {
	for _, r := range rows {
		rules := w.c.Rules[policies[r.service]]
		rule := ruleOf(r, rules)
		for n, p := range w.personas {
			if p.who == nil {
				if got := strings.Trim(string(r.cells[n][:]), "0."); got != "" {
					t.Errorf("%s %s answers %s without a token", r.service, r.On, r.cells[n])
				}
				continue
			}
			for side := range 2 {
				got := r.cells[n][side]
				if rule == "" || got == '.' || apart[r.service+" "+r.On] != "" {
					continue
				}
				if in := rules.Allows(rule, p.who, w.target(side)); in && strings.ContainsRune("-?0", rune(got)) || !in && got == '+' {
					t.Errorf("%s %s %s, %s, %s: the rule %s says %v, the service %c", r.service, r.On, r.Action, p.name, []string{"own", "foreign"}[side], rule, in, got)
				}
			}
		}
	}
}

// ruleOf is the rule of a row, or the one that it says it asks for; "" is none.
func ruleOf(r row, rules *policy.Rules) string {
	if r.Rule != "" {
		return r.Rule
	}
	word, _, _ := strings.Cut(r.Asks, " ")
	if word = strings.TrimSuffix(word, ","); rules.Rule(word) != nil && !strings.HasPrefix(r.On, "GET /v2.0/") {
		return word
	}
	return ""
}

// version is the newest that has the row.
func version(r *row) string {
	switch {
	case r.service == "compute" && r.Until != 0 && r.Until < rest.V(2, 90):
		return "compute " + r.Until.String()
	case r.service == "compute":
		return "compute 2.90"
	case r.service == "volume":
		return "volume 3.71"
	case r.service == "placement" && r.Until != 0:
		return "placement " + r.Until.String()
	}
	return "placement 1.39"
}
