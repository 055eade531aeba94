package placement

import (
	"context"
	"time"
)

// ProviderQuery is which providers to read; the zero query is all.
type ProviderQuery struct {
	IDs  []string // nil is all
	Name string
	Root string
}

// Store keeps placement's rows.
type Store interface {
	Tx(ctx context.Context, f func(context.Context) error) error
	Now() time.Time

	Providers(ctx context.Context, q ProviderQuery) ([]*Provider, error)
	InsertProvider(ctx context.Context, p *Provider) error
	UpdateProvider(ctx context.Context, p *Provider) error
	DeleteProvider(ctx context.Context, id string) error

	// Inventories and Usages are of the providers named; none is all.
	Inventories(ctx context.Context, providers ...string) ([]Inventory, error)
	SetInventories(ctx context.Context, provider string, rows []Inventory) error
	Usages(ctx context.Context, providers ...string) (Usage, error)

	AllocationsOf(ctx context.Context, consumers ...string) ([]Allocation, error)
	AllocationsOn(ctx context.Context, provider string) ([]Allocation, error)
	SetAllocations(ctx context.Context, consumer string, rows []Allocation) error
	// ConsumersLike are a project's consumers, and a user's if one is named.
	ConsumersLike(ctx context.Context, project, user, kind string) ([]Consumer, error)

	Consumers(ctx context.Context, ids ...string) (map[string]*Consumer, error)
	SaveConsumer(ctx context.Context, c *Consumer) error
	DeleteConsumer(ctx context.Context, id string) error

	Names(ctx context.Context, kind string) ([]Name, error)
	InsertName(ctx context.Context, n Name) error
	DeleteName(ctx context.Context, n Name) error
	// NameUsed tells whether a class has an inventory, or a trait a provider.
	NameUsed(ctx context.Context, n Name) (bool, error)
}
