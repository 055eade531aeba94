package sqldb

import "context"

type beforeKey struct{}

// Before has f run inside every outermost transaction that is begun with the context,
// right before it commits: what f writes is kept with the rest, or not at all. If f
// fails, so does the transaction.
func Before(ctx context.Context, f func(ctx context.Context) error) context.Context {
	return context.WithValue(ctx, beforeKey{}, f)
}

// Quiet is for transactions that only keep books, and that the context's Before is not
// to see.
func Quiet(ctx context.Context) context.Context { return Before(ctx, nil) }

func before(ctx context.Context) error {
	if f, _ := ctx.Value(beforeKey{}).(func(context.Context) error); f != nil {
		return f(ctx)
	}
	return nil
}
