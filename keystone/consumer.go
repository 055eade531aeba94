package keystone

import (
	"context"
	"crypto/rand"

	"stackd/internal/listing"
)

// A Consumer is a program that may ask users for OAuth1 access.
type Consumer struct {
	ID          string         `bun:"id,pk"`
	Description *string        `bun:"description"`
	Secret      string         `bun:"secret"`
	Extra       map[string]any `bun:"extra"`
}

// CreateConsumer keeps a new consumer with a secret of its own.
func (i *Identity) CreateConsumer(ctx context.Context, c *Consumer) error {
	c.ID, c.Secret = NewID(), rand.Text()+rand.Text()
	return i.db.Tx(ctx, func(ctx context.Context) error { return i.store.Insert(ctx, c) })
}

// Consumer is one consumer by id.
func (i *Identity) Consumer(ctx context.Context, id string) (*Consumer, error) {
	c, err := one[Consumer](ctx, i.store, Match{"id": id})
	if err == nil && c == nil {
		return nil, missing("Consumer", id)
	}
	return c, err
}

// Consumers is one page of consumers.
func (i *Identity) Consumers(ctx context.Context, l listing.List) (listing.Page[*Consumer], error) {
	return pageOf[Consumer](ctx, i.store, l)
}

// UpdateConsumer changes a consumer in place.
func (i *Identity) UpdateConsumer(ctx context.Context, id string, change func(*Consumer) error) (*Consumer, error) {
	var c *Consumer
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if c, err = i.Consumer(ctx, id); err != nil {
			return err
		}
		if err := change(c); err != nil {
			return err
		}
		return i.store.Update(ctx, c)
	})
	return c, err
}

// DeleteConsumer takes a consumer away; what it was given is gone with it.
func (i *Identity) DeleteConsumer(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.Consumer(ctx, id); err != nil {
			return err
		}
		return i.store.DropConsumer(ctx, id)
	})
}
