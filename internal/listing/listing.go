// Package listing is what one caller asks of a collection, between internal/rest,
// which reads it from the query string, and internal/sqldb, which turns it into SQL.
package listing

// A List is one caller's wishes for a collection. The zero List is everything.
type List struct {
	Limit  int // 0 is no limit
	Marker string
	Sorts  []Sort
	Where  map[string][]string // filter → values; a name given twice has two values
	Fields []string            // of each item; nil is all
	// Reverse reads the page that ends before the marker (neutron's page_reverse).
	Reverse bool
}

// A Sort is one key of the order.
type Sort struct {
	Key  string
	Desc bool
}

// First is the first value of a filter, "" when it was not given.
func (l List) First(name string) string {
	if v := l.Where[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Has tells whether a filter was given, be it empty.
func (l List) Has(name string) bool { _, ok := l.Where[name]; return ok }

// Page is one page of what was found. More says that there is a next one.
type Page[T any] struct {
	Items []T
	More  bool
	Total int // of all pages, where a service shows it
}

// Cut makes a page of rows read with one more than the limit.
func Cut[T any](rows []T, limit int) Page[T] {
	if limit > 0 && len(rows) > limit {
		return Page[T]{Items: rows[:limit], More: true}
	}
	return Page[T]{Items: rows}
}

// Map turns a page of rows into a page of something else.
func Map[A, B any](p Page[A], f func(A) B) Page[B] {
	out := Page[B]{More: p.More, Total: p.Total, Items: make([]B, len(p.Items))}
	for i, a := range p.Items {
		out.Items[i] = f(a)
	}
	return out
}
