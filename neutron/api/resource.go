package api

import (
	"context"
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
