package neutron

import "time"

// Base is what every thing has.
type Base struct {
	ID          string    `bun:"id,pk"`
	ProjectID   string    `bun:"project_id"`
	Name        string    `bun:"name"`
	Description string    `bun:"description"`
	Tags        []string  `bun:"tags"`
	Revision    int64     `bun:"revision"`
	CreatedAt   time.Time `bun:"created_at"`
	UpdatedAt   time.Time `bun:"updated_at"`
}

// touch counts a change.
func (b *Base) touch(now time.Time) {
	b.Revision++
	b.UpdatedAt = now
}

// Maybe is an attribute that a request may leave out. Set tells whether it was
// given; a given null is the zero Value with Null.
type Maybe[T any] struct {
	Value     T
	Set, Null bool
}

// Some is a given attribute.
func Some[T any](v T) Maybe[T] { return Maybe[T]{Value: v, Set: true} }

// Or is the value when one was given and it is not null.
func (m Maybe[T]) Or(otherwise T) T {
	if m.Set && !m.Null {
		return m.Value
	}
	return otherwise
}

// To puts the value, null as zero, where it belongs if it was given.
func (m Maybe[T]) To(p *T) {
	if m.Set {
		*p = m.Value
	}
}

// Common are the attributes that every request may carry.
type Common struct {
	ProjectID   string // of the thing to make
	Name        Maybe[string]
	Description Maybe[string]
	Tags        Maybe[[]string]
}

func (c Common) apply(b *Base) {
	c.Name.To(&b.Name)
	c.Description.To(&b.Description)
	c.Tags.To(&b.Tags)
}
