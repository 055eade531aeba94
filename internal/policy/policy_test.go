package policy

import (
	"slices"
	"testing"
)

type caller struct {
	roles []string
	attrs map[string]string
	scope string
}

func (c caller) Has(r string) bool            { return slices.Contains(c.roles, r) }
func (c caller) Attr(n string) (string, bool) { v, ok := c.attrs[n]; return v, ok }
func (c caller) Scope() string                { return c.scope }

func TestLanguage(t *testing.T) {
	member := caller{[]string{"member", "reader"}, map[string]string{"project_id": "p1", "user_id": "u1", "domain_id": "", "is_admin": "False"}, "project"}
	for text, want := range map[string]bool{
		"": true, "@": true, "!": false, "not !": true,
		"role:member": true, "role:admin": false, "role:Member": true,
		"role:admin or role:reader":                   true,
		"role:admin and role:reader":                  false,
		"not role:admin and role:reader":              true,
		"(role:admin or role:member) and role:reader": true,
		"project_id:%(project_id)s":                   true,
		"project_id:%(nothere)s":                      false,
		"user_id:%(target.user.id)s":                  false,
		"domain_id:%(empty)s":                         false,
		"None:%(empty)s":                              true,
		"not domain_id:None":                          false,
		"'public':%(visibility)s":                     true,
		"'private':%(visibility)s":                    false,
		"field:networks:shared=True":                  true,
		"field:port:device_owner=~^network:":          true,
		"rule:yes":                                    true,
		"rule:missing":                                false,
		"rule:self":                                   false,
		"is_admin:True":                               false,
	} {
		now, err := (&table{rules: map[string]*Rule{}}).with(map[string]string{"yes": "@", "self": "rule:self", "it": text})
		if err != nil {
			t.Fatal(text, err)
		}
		s := &Rules{}
		s.now.Store(now)
		target := Target{"project_id": "p1", "target.user.id": "u2", "empty": "", "visibility": "public", "shared": "true", "device_owner": "network:dhcp"}
		if got := s.Allows("it", member, target); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestBadRulesAreRefused(t *testing.T) {
	for _, text := range []string{"role:a or", "(role:a", "role:a)", "role", "role:a role:b", "and"} {
		if _, err := (&table{}).with(map[string]string{"x": text}); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestDefaults(t *testing.T) {
	all, err := Defaults()
	if err != nil {
		t.Fatal(err)
	}
	admin := caller{[]string{"admin", "member", "reader"}, map[string]string{"project_id": "p1"}, "project"}
	reader := caller{[]string{"reader"}, map[string]string{"project_id": "p1"}, "project"}
	for _, c := range []struct {
		service, rule string
		who           caller
		target        Target
		want          bool
	}{
		{"nova", "os_compute_api:servers:create", reader, Target{"project_id": "p1"}, false},
		{"nova", "os_compute_api:servers:show", reader, Target{"project_id": "p1"}, true},
		{"nova", "os_compute_api:servers:show", reader, Target{"project_id": "p2"}, false},
		{"nova", "os_compute_api:servers:show", admin, Target{"project_id": "p2"}, true},
		{"nova", "os_compute_api:servers:show", caller{[]string{"admin"}, nil, "system"}, Target{"project_id": "p2"}, false},
		{"nova", "nothing", admin, Target{}, false},
		{"keystone", "identity:list_users", reader, Target{}, false},
		{"keystone", "identity:list_users", admin, Target{}, true},
	} {
		if got := all[c.service].Allows(c.rule, c.who, c.target); got != c.want {
			t.Errorf("%s %s %v: %v", c.service, c.rule, c.who.roles, got)
		}
	}
}
