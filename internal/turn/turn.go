// Package turn names transactions that are known to be in one another's way, so that they
// wait for their turn rather than clash and begin again.
//
// Turns change how long something takes, never what comes out: transactions are
// serializable with and without (see sqldb), and one whose turn does not come within a
// moment begins without it.
package turn

import "context"

type key struct{}

// Of has the transactions that are begun with the context take turns with all others of
// the name: here and at other processes on the same database.
func Of(ctx context.Context, name string) context.Context { return context.WithValue(ctx, key{}, name) }

// Name is what they take turns by, or "".
func Name(ctx context.Context) string {
	name, _ := ctx.Value(key{}).(string)
	return name
}
