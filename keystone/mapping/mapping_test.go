package mapping

import (
	"encoding/json"
	"strings"
	"testing"

	"stackd/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// Who the documented kinds of rules make of an assertion.
func TestApply(t *testing.T) {
	const names = `{"type":"First"},{"type":"Last"}`
	for _, c := range []struct{ name, version, rules, assertion, want string }{
		{"full name and mail", "1.0", `[{"local":[{"user":{"name":"{0} {1}","email":"{2}"},"group":{"name":"{3}","domain":{"id":"d1"}}}],"remote":[` + names + `,{"type":"Mail"},{"type":"Groups"}]}]`,
			`{"First":"Jane","Last":"Doe","Mail":"jane@example.com","Groups":"devs"}`,
			`{"user":{"name":"Jane Doe","email":"jane@example.com","type":"ephemeral"},"group_ids":[],"group_names":[{"name":"devs","domain":{"id":"d1"}}],"projects":[]}`},
		{"groups of a list", "1.0", `[{"local":[{"user":{"name":"{0}"},"groups":"{1}","domain":{"id":"d1"}}],"remote":[{"type":"User"},{"type":"Groups"}]}]`,
			`{"User":"jo","Groups":"devs;ops;devs"}`,
			`{"user":{"name":"jo","type":"ephemeral"},"group_ids":[],"group_names":[{"name":"devs","domain":{"id":"d1"}},{"name":"ops","domain":{"id":"d1"}}],"projects":[]}`},
		{"group ids of a list", "1.0", `[{"local":[{"user":{"id":"{0}"}},{"group_ids":"{1}"},{"group":{"id":"g1"}}],"remote":[{"type":"User"},{"type":"Groups"}]}]`,
			`{"User":"jo","Groups":"g1;g2"}`,
			`{"user":{"id":"jo","type":"ephemeral"},"group_ids":["g1","g2"],"group_names":[],"projects":[]}`},
		{"whitelist", "1.0", `[{"local":[{"user":{"name":"{0}"},"groups":"{1}","domain":{"name":"D"}}],"remote":[{"type":"User"},{"type":"Groups","whitelist":["ops"]}]}]`,
			`{"User":"jo","Groups":"devs;ops"}`,
			`{"user":{"name":"jo","type":"ephemeral"},"group_ids":[],"group_names":[{"name":"ops","domain":{"name":"D"}}],"projects":[]}`},
		{"whitelist that leaves nothing", "1.0", `[{"local":[{"user":{"name":"{0}"},"groups":"{1}","domain":{"name":"D"}}],"remote":[{"type":"User"},{"type":"Groups","whitelist":["none"]}]}]`,
			`{"User":"jo","Groups":"devs;ops"}`, `{"user":{"name":"jo","type":"ephemeral"},"group_ids":[],"group_names":[],"projects":[]}`},
		{"blacklist by pattern", "1.0", `[{"local":[{"user":{"name":"{0}"},"groups":"{1}","domain":{"name":"D"}}],"remote":[{"type":"User"},{"type":"Groups","regex":true,"blacklist":["^int-","admins$"]}]}]`,
			`{"User":"jo","Groups":"int-a;b;cloudadmins"}`,
			`{"user":{"name":"jo","type":"ephemeral"},"group_ids":[],"group_names":[{"name":"b","domain":{"name":"D"}}],"projects":[]}`},
		{"conditions leave no index", "1.0", `[{"local":[{"user":{"name":"{0}"},"group":{"id":"staff"}}],"remote":[{"type":"Kind","any_one_of":["Staff"]},{"type":"User"},{"type":"Mail","not_any_of":["@evil\\.example$"],"regex":true}]}]`,
			`{"User":"jo","Kind":"Tester;Staff","Mail":"jo@good.example"}`, `{"user":{"name":"jo","type":"ephemeral"},"group_ids":["staff"],"group_names":[],"projects":[]}`},
		{"a later rule adds groups, the first user stays", "1.0", `[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"User"}]},{"local":[{"user":{"name":"other"},"group":{"id":"g2"}}],"remote":[{"type":"User"}]},{"local":[{"group":{"id":"no"}}],"remote":[{"type":"Absent"}]}]`,
			`{"User":"jo"}`, `{"user":{"name":"jo","type":"ephemeral"},"group_ids":["g2"],"group_names":[],"projects":[]}`},
		{"local user", "1.0", `[{"local":[{"user":{"name":"{0}","type":"local","domain":{"name":"D"}}}],"remote":[{"type":"User"}]}]`,
			`{"User":"jo"}`, `{"user":{"name":"jo","type":"local","domain":{"name":"D"}},"group_ids":[],"group_names":[],"projects":[]}`},
		{"projects with roles", "1.0", `[{"local":[{"user":{"name":"{0}"}},{"projects":[{"name":"home of {0}","roles":[{"name":"member"}]}]}],"remote":[{"type":"User"}]}]`,
			`{"User":"jo"}`, `{"user":{"name":"jo","type":"ephemeral"},"group_ids":[],"group_names":[],"projects":[{"name":"home of jo","roles":[{"name":"member"}]}]}`},
		{"2.0: the rule's domain is the user's and the projects'", "2.0", `[{"local":[{"domain":{"name":"{1}"},"user":{"name":"{0}"},"projects":[{"name":"a","roles":[]},{"name":"b","roles":[],"domain":{"id":"x"}}]}],"remote":[{"type":"User"},{"type":"Dom"}]}]`,
			`{"User":"jo","Dom":"D"}`, `{"user":{"name":"jo","type":"ephemeral","domain":{"name":"D"}},"group_ids":[],"group_names":[],"projects":[{"name":"a","roles":[],"domain":{"name":"D"}},{"name":"b","roles":[],"domain":{"id":"x"}}]}`},
		{"3.0: projects in JSON", "3.0", `[{"local":[{"user":{"name":"{0}"},"projects_json":"{1}"}],"remote":[{"type":"User"},{"type":"P"}]}]`,
			`{"User":"jo","P":"[{\"name\":\"a\",\"roles\":[{\"name\":\"reader\"}]}]"}`, `{"user":{"name":"jo","type":"ephemeral"},"group_ids":[],"group_names":[],"projects":[{"name":"a","roles":[{"name":"reader"}]}]}`},
		{"groups as another cloud writes them", "1.0", `[{"local":[{"user":{"name":"{0}"},"groups":"{1}"}],"remote":[{"type":"User"},{"type":"openstack_groups"}]}]`,
			`{"User":"jo","openstack_groups":"JSON:{\"name\":\"g\",\"domain\":{\"name\":\"D\"}}"}`, `{"user":{"name":"jo","type":"ephemeral"},"group_ids":[],"group_names":[{"name":"g","domain":{"name":"D"}}],"projects":[]}`},
		{"a list in the rule", "1.0", `[{"local":[{"user":{"name":"u"},"group_ids":"['a', \"b\"]"}],"remote":[{"type":"User"}]}]`,
			`{"User":"jo"}`, `{"user":{"name":"u","type":"ephemeral"},"group_ids":["a","b"],"group_names":[],"projects":[]}`},
		{"a value is no list", "1.0", `[{"local":[{"user":{"name":"u"},"group_ids":"{0}"}],"remote":[{"type":"User"}]}]`,
			`{"User":"['a','b']"}`, `{"user":{"name":"u","type":"ephemeral"},"group_ids":["['a','b']"],"group_names":[],"projects":[]}`},
		{"one of several, counting, braces", "1.0", `[{"local":[{"user":{"name":"{0[1]}","email":"{}-{}{{x}}"}}],"remote":[{"type":"User"},{"type":"B"}]}]`,
			`{"User":"jo;ann","B":"c"}`, `{"user":{"name":"ann","email":"['jo', 'ann']-c{x}","type":"ephemeral"},"group_ids":[],"group_names":[],"projects":[]}`},
		{"an empty user gives way", "1.0", `[{"local":[{"user":{}},{"user":{"name":"{0}"}}],"remote":[{"type":"User"}]}]`,
			`{"User":"jo"}`, `{"user":{"name":"jo","type":"ephemeral"},"group_ids":[],"group_names":[],"projects":[]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Parse(c.version, []byte(c.rules))
			if err != nil {
				t.Fatal(err)
			}
			attributes := map[string]string{}
			if err := json.Unmarshal([]byte(c.assertion), &attributes); err != nil {
				t.Fatal(err)
			}
			id, err := m.Apply(Split(attributes))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(id)
			if d := cmp.Diff(c.want, string(got)); d != "" || err != nil {
				t.Error(d, err)
			}
		})
	}
}

func TestNobody(t *testing.T) {
	const local = `"local":[{"user":{"name":"{0}"}}]`
	for _, rules := range []string{
		`[{` + local + `,"remote":[{"type":"Absent"}]}]`,
		`[{` + local + `,"remote":[{"type":"User"},{"type":"Kind","any_one_of":["boss"]}]}]`,
		`[{` + local + `,"remote":[{"type":"User"},{"type":"Kind","not_any_of":["worker"]}]}]`,
		`[{` + local + `,"remote":[{"type":"Kind","any_one_of":["worker"]}]}]`, // {0} is nothing
		`[{"local":[{"user":{"name":"{0[7]}"}}],"remote":[{"type":"User"}]}]`,
		`[{"local":[{"user":{"name":"{99999999999999999999}"}}],"remote":[{"type":"User"}]}]`,
		`[{"local":[{"user":{"name":"{0"}}],"remote":[{"type":"User"}]}]`,
		`[{"local":[{"user":{"name":"{0.__class__}"}}],"remote":[{"type":"User"}]}]`,
		`[{"local":[{"groups":"{0}"}],"remote":[{"type":"User"}]}]`, // in which domain?
	} {
		m, err := Parse("", []byte(rules))
		if err != nil {
			t.Fatal(rules, err)
		}
		if id, err := m.Apply(Split(map[string]string{"User": "jo", "Kind": "worker"})); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v", rules, id, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ version, rules, says string }{
		{"4.0", `[]`, "schema version"},
		{"1.0", `[]`, "[] is too short"},
		{"1.0", `{}`, "is not of type 'array'"},
		{"1.0", `[{"local":[]}]`, "'remote' is a required property"},
		{"1.0", `[{"local":[],"remote":[]}]`, "[] is too short"},
		{"1.0", `[{"local":[{"user":{"age":"1"}}],"remote":[{"type":"a"}]}]`, "Additional properties are not allowed ('age' was unexpected)"},
		{"1.0", `[{"local":[{"user":{"type":"root"}}],"remote":[{"type":"a"}]}]`, "'root' is not one of ['ephemeral', 'local']"},
		{"1.0", `[{"local":[{"group":{"name":"g"}}],"remote":[{"type":"a"}]}]`, "is not valid under any of the given schemas"},
		{"1.0", `[{"local":[],"remote":[{"type":"a","any_one_of":["x"],"whitelist":["y"]}]}]`, "is not valid under any of the given schemas"},
		{"1.0", `[{"local":[],"remote":[{"type":"a","regex":true,"any_one_of":["("]}]}]`, "regular expression"},
		{"1.0", `[{"local":[{"projects":[{"name":"p","roles":[],"domain":{}}]}],"remote":[{"type":"a"}]}]`, "'domain' was unexpected"},
		{"2.0", `[{"local":[{"projects_json":"{0}"}],"remote":[{"type":"a"}]}]`, "'projects_json' was unexpected"},
	} {
		if _, err := Parse(c.version, []byte(c.rules)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.rules, err)
		}
	}
}

func FuzzMapping(f *testing.F) {
	f.Add("3.0", `[{"local":[{"user":{"name":"{0} {}"},"groups":"['{0}']","domain":{"id":"d"},"projects_json":"{1}"}],"remote":[{"type":"A"},{"type":"B","regex":true,"whitelist":["."]}]}]`, "a;b", `[{"name":"x","roles":[]}]`)
	f.Add("1.0", `[{"local":[{"group":{"id":"{0[0]}"}}],"remote":[{"type":"A"}]}]`, "", "")
	f.Fuzz(func(t *testing.T, version, rules, a, b string) {
		m, err := Parse(version, []byte(rules))
		if err != nil {
			return
		}
		id, err := m.Apply(Split(map[string]string{"A": a, "B": b}))
		if err == nil && id.User.Type != Local && id.User.Type != Ephemeral {
			t.Errorf("%+v", id)
		}
	})
}
