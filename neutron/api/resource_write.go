package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/neutron"
)

// createSome makes one thing, or with the collection's name as key all or none of many.
func (r *resource[T, S]) createSome(c *rest.Call, _ none) (any, error) {
	one, many, err := r.bodies(c.Body())
	if err != nil {
		return nil, err
	}
	if one != nil {
		x, err := r.createOne(c, one)
		if err != nil {
			return nil, err
		}
		return map[string]any{r.one: r.show1(c, x, r.target(x))}, nil
	}
	out := make([]any, 0, len(many))
	err = r.a.n.Tx(c.Context(), func(ctx context.Context) error {
		out = out[:0]
		inside := *c
		inside.Request = c.WithContext(ctx)
		for _, m := range many {
			x, err := r.createOne(&inside, m)
			if err != nil {
				return err
			}
			out = append(out, r.show1(c, x, r.target(x)))
		}
		return nil
	})
	return map[string]any{r.many: out}, err
}

// bodies splits a request for one thing from one for many.
func (r *resource[T, S]) bodies(raw json.RawMessage) (one map[string]any, many []map[string]any, err error) {
	if raw == nil {
		return nil, nil, badRequest("Resource body required")
	}
	var outer map[string]json.RawMessage
	if json.Unmarshal(raw, &outer) != nil {
		return nil, nil, badRequest("Body contains invalid data")
	}
	if x, ok := outer[r.one]; ok {
		one, err = values(x)
		return one, nil, err
	}
	if x, ok := outer[r.many]; ok {
		if json.Unmarshal(x, &many) != nil || len(many) == 0 {
			return nil, nil, badRequest("Resources required")
		}
		for i := range many { // each may be wrapped once more
			if inner, ok := many[i][r.one].(map[string]any); ok && len(many[i]) == 1 {
				many[i] = inner
			}
		}
		return nil, many, nil
	}
	return nil, nil, badRequest("Unable to find '%s' in request body", r.one)
}

func (r *resource[T, S]) createOne(c *rest.Call, in map[string]any) (*T, error) {
	var s S
	if err := r.adopt(c, in); err != nil {
		return nil, err
	}
	if err := fill(r.attrs, r.readonly, http.MethodPost, in, &s); err != nil {
		return nil, err
	}
	t := targetOf(in)
	t["project_id"], t["tenant_id"] = *r.owner(&s), *r.owner(&s)
	if r.parent != nil {
		more, err := r.parent(c.Context(), &s)
		if err != nil {
			return nil, err
		}
		for k, v := range more {
			t[k] = v
		}
	}
	if err := r.require(c, "create_"+r.one, rules(r.attrs, "create_"+r.one, http.MethodPost, in), t); err != nil {
		return nil, err
	}
	return r.create(c.Context(), s)
}

// adopt puts the project of the new thing into the values: the caller's own unless
// another is named, which only administrators may.
func (r *resource[T, S]) adopt(c *rest.Call, in map[string]any) error {
	p, okP := in["project_id"]
	t, okT := in["tenant_id"]
	if okP && okT && p != t {
		return badRequest("'project_id' and 'tenant_id' do not match")
	}
	if !okP && okT {
		p = t
	}
	delete(in, "tenant_id")
	if p == nil {
		p = c.Who.Project.ID
	}
	if p != c.Who.Project.ID && !c.Who.Admin() && !c.Who.Has("service") {
		return badRequest("Specifying 'project_id' or 'tenant_id' other than authenticated project in request requires admin privileges")
	}
	in["project_id"] = p
	return nil
}

// targetOf is a request's values as the rules ask for them.
func targetOf(in map[string]any) policy.Target {
	t := policy.Target{}
	for k, v := range in {
		switch v.(type) {
		case string, bool, float64, nil:
			t[k] = repr(v)
		}
	}
	return t
}

// require asks for the operation's rule and those of its attributes that exist, and
// names them in its no as oslo.policy nests them.
func (r *resource[T, S]) require(c *rest.Call, base string, more []string, t policy.Target) error {
	ok, text := c.May(base, t), "rule:"+base
	for _, m := range more {
		if r.a.rules.Rule(m) == nil || m == base+":project_id" {
			continue
		}
		if guard := r.a.rules.Rule(m); guard != nil {
			ok = c.May(m, t) && ok
			text = fmt.Sprintf("(%s and rule:%s)", text, m)
		}
	}
	if ok {
		return nil
	}
	return neutron.Denied(text)
}

func (r *resource[T, S]) updateOne(c *rest.Call, in item) (any, error) {
	change, many, err := r.bodies(c.Body())
	if err == nil && many != nil {
		err = badRequest("Bulk operation not supported")
	}
	if err != nil {
		return nil, err
	}
	var s S
	if err := fill(r.attrs, r.readonly, http.MethodPut, change, &s); err != nil {
		return nil, err
	}
	x, t, err := r.find(c, in.ID)
	if err != nil {
		return nil, err
	}
	for k, v := range targetOf(change) {
		if k != "project_id" && k != "tenant_id" && k != "shared" && k != "router:external" {
			t[k] = v
		}
	}
	if err := r.require(c, "update_"+r.one, rules(r.attrs, "update_"+r.one, http.MethodPut, change), t); err != nil {
		return nil, err
	}
	if err := r.ifMatch(c, x); err != nil {
		return nil, err
	}
	y, err := r.update(c.Context(), in.ID, s)
	if err != nil {
		return nil, err
	}
	return map[string]any{r.one: r.show1(c, y, r.target(y))}, nil
}

// ifMatch: a change may be bound to the revision that the caller saw.
func (r *resource[T, S]) ifMatch(c *rest.Call, x *T) error {
	h := strings.Trim(c.Header.Get("If-Match"), `" `)
	if h == "" || r.rev == nil {
		return nil
	}
	want, ok := strings.CutPrefix(h, "revision_number=")
	n, err := strconv.ParseInt(want, 10, 64)
	if !ok || err != nil {
		return badRequest("If-Match value must be of the form revision_number=N")
	}
	if have := r.rev(x); have != n {
		return fault.New(fault.Precondition, "Constrained to %d, but current revision is %d", n, have).Named("RevisionNumberConstraintFailed")
	}
	return nil
}

func (r *resource[T, S]) deleteOne(c *rest.Call, in item) error {
	x, t, err := r.find(c, in.ID)
	if err != nil {
		return err
	}
	if err := r.require(c, "delete_"+r.one, nil, t); err != nil {
		return err
	}
	if err := r.ifMatch(c, x); err != nil {
		return err
	}
	return r.remove(c.Context(), in.ID)
}
