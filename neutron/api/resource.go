package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/neutron"
)

// A resource is one collection: its words, its attributes and the verbs behind it.
// From it come all of its operations.
type resource[T, S any] struct {
	a         *API
	one, many string // network, networks: in rules and bodies
	path      string // below /v2.0; "" is many
	attrs     []attr[S]
	readonly  []string // attributes that are shown but never given
	filters   []string // what lists may be narrowed by
	sorts     []string

	list   func(context.Context, neutron.Query) ([]T, error)
	show   func(context.Context, string) (*T, error)
	create func(context.Context, S) (*T, error)
	update func(context.Context, string, S) (*T, error)
	remove func(context.Context, string) error

	view   func(*T) any                                     // a wire type with a part named Guarded
	target func(*T) policy.Target                           // for the rules
	owner  func(*S) *string                                 // where the request says whose it will be
	parent func(context.Context, *S) (policy.Target, error) // what the rules ask of the thing it is made on
	tags   func([]string) S                                 // a change of the tags alone; nil: it has none
	tagsOf func(*T) []string
	rev    func(*T) int64
}

// Guarded are the attributes of a view that have rules of their own.
type Guarded map[string]any

type guardedView interface{ guarded() Guarded }

func (r *resource[T, S]) at() string {
	if r.path != "" {
		return "/v2.0/" + r.path
	}
	return "/v2.0/" + r.many
}

// routes are the resource's operations.
func (r *resource[T, S]) routes() []rest.Route {
	asks := func(verb string) string {
		return verb + "_" + r.one + " and the rules of the attributes, of the thing itself"
	}
	at := r.at()
	out := []rest.Route{
		{On: "GET " + at, Asks: asks("get"), List: &rest.Listing{Key: r.many, Filters: r.filters, Sorts: r.sortKeys()}, Do: rest.Do(r.listAll)},
		{On: "GET " + at + "/{id}", Asks: asks("get"), Do: rest.Do(r.showOne)},
		{On: "POST " + at, Asks: asks("create"), Mutates: true, Status: http.StatusCreated, Do: rest.Do(r.createSome)},
		{On: "DELETE " + at + "/{id}", Asks: asks("delete"), Mutates: true, Status: http.StatusNoContent, Do: rest.DoNothing(r.deleteOne)},
	}
	if r.update != nil {
		out = append(out, rest.Route{On: "PUT " + at + "/{id}", Asks: asks("update"), Mutates: true, Do: rest.Do(r.updateOne)})
	}
	if r.tags != nil {
		out = append(out, r.tagRoutes(at, asks)...)
	}
	return out
}

func (r *resource[T, S]) sortKeys() []string {
	if r.sorts == nil {
		return []string{"id"}
	}
	return r.sorts
}

type item struct {
	ID string `path:"id"`
}

type none struct{}

func (r *resource[T, S]) listAll(c *rest.Call, _ none) (listing.Page[any], error) {
	if err := r.known(c); err != nil {
		return listing.Page[any]{}, err
	}
	q := neutron.Query{List: c.List}
	q.Limit = limitOf(c)
	rows, err := r.list(c.Context(), q)
	if err != nil {
		return listing.Page[any]{}, err
	}
	page := listing.Cut(rows, q.Limit)
	if q.Reverse && q.Limit > 0 && len(rows) > q.Limit {
		page.Items = rows[1:]
	}
	items := make([]any, 0, len(page.Items))
	for i := range page.Items {
		t := r.target(&page.Items[i])
		if c.May("get_"+r.one, t) {
			items = append(items, r.show1(c, &page.Items[i], t))
		}
	}
	remember(c, items, q.Limit)
	return listing.Page[any]{Items: items}, nil
}

// known rejects filters that the collection does not have.
func (r *resource[T, S]) known(c *rest.Call) error {
	var odd []string
	for name := range c.URL.Query() {
		if !contains(r.filters, name) && !contains([]string{"limit", "marker", "sort_key", "sort_dir", "fields", "page_reverse"}, name) {
			odd = append(odd, name)
		}
	}
	if len(odd) > 0 {
		return badRequest("%s is invalid attribute for filtering", rest.Repr(anys(sorted(odd))))
	}
	return nil
}

// limitOf is the page's size, 0 for no limit.
func limitOf(c *rest.Call) int {
	n, _ := strconv.Atoi(c.URL.Query().Get("limit"))
	return n
}

// show1 is the view of a thing without what the caller may not see.
func (r *resource[T, S]) show1(c *rest.Call, x *T, t policy.Target) any {
	v := r.view(x)
	if g, ok := v.(guardedView); ok {
		m := g.guarded()
		for name := range m {
			rule := "get_" + r.one + ":" + name
			if r.a.rules.Rule(rule) != nil && !c.May(rule, t) {
				delete(m, name)
			}
		}
	}
	return v
}

// find is the thing of the path, if the caller may see it.
func (r *resource[T, S]) find(c *rest.Call, id string) (*T, policy.Target, error) {
	x, err := r.show(c.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	t := r.target(x)
	if !c.May("get_"+r.one, t) {
		return nil, nil, fault.New(fault.NotFound, "The resource could not be found.").Named("HTTPNotFound")
	}
	return x, t, nil
}

func (r *resource[T, S]) showOne(c *rest.Call, in item) (any, error) {
	x, t, err := r.find(c, in.ID)
	if err != nil {
		return nil, err
	}
	view := r.show1(c, x, t)
	if f := c.URL.Query()["fields"]; len(f) > 0 {
		return map[string]any{r.one: only(view, strings.Split(strings.Join(f, ","), ","))}, nil
	}
	return map[string]any{r.one: view}, nil
}

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
