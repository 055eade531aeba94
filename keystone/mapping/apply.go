package mapping

import (
	"encoding/json"
	"slices"
	"strings"

	"stackd/internal/fault"
)

// Apply is who the assertion comes to. All rules that match count: the first user
// there is, every group, the last list of projects. Nobody is a fault of kind Invalid.
func (m *Mapping) Apply(a Assertion) (*Identity, error) {
	id := &Identity{GroupIDs: []string{}, Groups: []Group{}, Projects: []Project{}}
	var last *Domain
	found, named := false, false
	for n := range m.rules {
		kept, ok := m.rules[n].match(a)
		if !ok {
			continue
		}
		for _, local := range m.rules[n].Local {
			l := &locals{values: local, kept: kept, version: m.version}
			if err := l.into(id, &named); err != nil {
				return nil, err
			}
			found, last = true, l.domain
		}
	}
	if !found {
		return nil, fault.New(fault.Invalid, "Could not map any federated user properties to identity values. Check debug logs or the mapping used for additional details.")
	}
	id.GroupIDs = unique(id.GroupIDs)
	return id, id.User.settle(m.version, last)
}

func (u *User) settle(version string, domain *Domain) error {
	if u.Type == "" {
		u.Type = Ephemeral
	}
	if u.Type != Ephemeral && u.Type != Local {
		return fault.New(fault.Invalid, "User type %s not supported", u.Type)
	}
	if u.Domain == nil && version != "1.0" {
		u.Domain = domain
	}
	return nil
}

// match is what the assertion leaves to speak of by {0}, {1} …
func (r *rule) match(a Assertion) ([][]string, bool) {
	kept := [][]string{}
	for n := range r.Remote {
		values, ok := r.Remote[n].meet(a[r.Remote[n].Type])
		if !ok {
			return nil, false
		}
		if r.Remote[n].direct() {
			kept = append(kept, values)
		}
	}
	return kept, true
}

// locals are one object of a rule's local part, with what its braces mean.
type locals struct {
	values  map[string]any
	kept    [][]string
	version string
	domain  *Domain
}

func (l *locals) into(id *Identity, named *bool) (err error) {
	if l.domain, err = l.domainOf(l.values["domain"]); err != nil {
		return err
	}
	if u, ok := l.values["user"].(map[string]any); ok && !*named {
		*named = len(u) > 0
		if err := l.user(&id.User, u); err != nil {
			return err
		}
	}
	for _, f := range []func(*Identity) error{l.group, l.groups, l.groupIDs, l.projects, l.projectsJSON} {
		if err := f(id); err != nil {
			return err
		}
	}
	return nil
}

func (l *locals) user(u *User, v map[string]any) (err error) {
	for name, field := range map[string]*string{"id": &u.ID, "name": &u.Name, "email": &u.Email, "type": &u.Type} {
		if *field, err = l.fill(v[name]); err != nil {
			return err
		}
	}
	u.Domain, err = l.domainOf(v["domain"])
	return err
}

func (l *locals) domainOf(v any) (*Domain, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, nil
	}
	var d Domain
	var err error
	if d.ID, err = l.fill(m["id"]); err == nil {
		d.Name, err = l.fill(m["name"])
	}
	return &d, err
}

func (l *locals) group(id *Identity) error {
	m, ok := l.values["group"].(map[string]any)
	if !ok {
		return nil
	}
	gid, err := l.fill(m["id"])
	if err != nil {
		return err
	}
	if gid != "" {
		id.GroupIDs = append(id.GroupIDs, gid)
		return nil
	}
	name, err := l.fill(m["name"])
	if err != nil {
		return err
	}
	d, err := l.domainOf(m["domain"])
	if g := (Group{name, d}); err == nil && name != "" && d != nil && !id.has(g) {
		id.Groups = append(id.Groups, g)
	}
	return err
}

func (id *Identity) has(g Group) bool {
	return slices.ContainsFunc(id.Groups, func(o Group) bool { return o.Name == g.Name && *o.Domain == *g.Domain })
}

// groups are names in the object's domain, or "JSON:" and an object with both.
func (l *locals) groups(id *Identity) error {
	names, err := l.list(l.values["groups"])
	for _, name := range names {
		g := Group{Name: name, Domain: l.domain}
		if text, ok := strings.CutPrefix(name, "JSON:"); ok {
			g = Group{}
			if err := json.Unmarshal([]byte(text), &g); err != nil {
				return fault.New(fault.Invalid, "A group in the assertion is no JSON.").Because(err)
			}
		}
		if g.Domain == nil {
			return fault.New(fault.Invalid, "Invalid rule: %s. Both 'groups' and 'domain' keywords must be specified.", name)
		}
		if g.Name != "" && !id.has(g) {
			id.Groups = append(id.Groups, g)
		}
	}
	return err
}

func (l *locals) groupIDs(id *Identity) error {
	ids, err := l.list(l.values["group_ids"])
	for _, g := range ids {
		if g != "" {
			id.GroupIDs = append(id.GroupIDs, g)
		}
	}
	return err
}

func (l *locals) projects(id *Identity) error {
	ps, ok := l.values["projects"].([]any)
	if !ok {
		return nil
	}
	id.Projects = []Project{}
	for _, x := range ps {
		m, _ := x.(map[string]any)
		name, err := l.fill(m["name"])
		if err != nil {
			return err
		}
		p := Project{Name: name, Roles: []Role{}}
		roles, _ := m["roles"].([]any)
		for _, r := range roles {
			m, _ := r.(map[string]any)
			name, err := l.fill(m["name"])
			if err != nil {
				return err
			}
			p.Roles = append(p.Roles, Role{name})
		}
		if p.Domain, err = l.domainOf(m["domain"]); err != nil {
			return err
		}
		if err := l.add(id, p); err != nil {
			return err
		}
	}
	return nil
}

// projectsJSON are projects written in an attribute.
func (l *locals) projectsJSON(id *Identity) error {
	if l.values["projects_json"] == nil {
		return nil
	}
	text, err := l.fill(l.values["projects_json"])
	if err != nil {
		return err
	}
	if err := validProjects([]byte(text)); err != nil {
		return err
	}
	if _, both := l.values["projects"]; !both {
		id.Projects = []Project{}
	}
	var ps []Project
	if err := json.Unmarshal([]byte(text), &ps); err != nil {
		return fault.New(fault.Invalid, "The projects in the assertion cannot be read.").Because(err)
	}
	for _, p := range ps {
		if err := l.add(id, p); err != nil {
			return err
		}
	}
	return nil
}

func (l *locals) add(id *Identity, p Project) error {
	if p.Name == "" {
		return fault.New(fault.Invalid, "A project in the mapping comes to no name.")
	}
	if p.Domain == nil && l.version != "1.0" {
		p.Domain = l.domain
	}
	id.Projects = append(id.Projects, p)
	return nil
}
