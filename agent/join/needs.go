package join

import (
	"context"
	"time"
)

// A Root is an authority's row. Key is sealed.
type Root struct {
	ID          int64  `bun:",pk"`
	Certificate string // PEM
	Key         string
	CreatedAt   time.Time
}

// A Token's row. The secret itself is not kept.
type Token struct {
	ID        string
	Hash      string // SHA-256 of the secret, in hex
	Host      string // the only host it is good for; "" for any that is no node yet
	ExpiresAt time.Time
	CreatedAt time.Time
}

// A Node is a host that has joined.
type Node struct {
	Host      string
	Serial    string // of its certificate; any other of its certificates is no good
	Previous  string // the one before, good until the new one has been shown
	JoinedAt  time.Time
	ExpiresAt time.Time // of the certificate
}

// Store keeps the rows. What is not there is nil.
type Store interface {
	Tx(ctx context.Context, f func(context.Context) error) error
	Now() time.Time

	Root(ctx context.Context, id int64) (*Root, error)
	InsertRoot(ctx context.Context, r *Root) error // does nothing when there is one
	InsertToken(ctx context.Context, t *Token) error
	Token(ctx context.Context, id string) (*Token, error)
	Tokens(ctx context.Context) ([]*Token, error)
	DeleteToken(ctx context.Context, id string) (bool, error)
	DropOldTokens(ctx context.Context) error
	Node(ctx context.Context, host string) (*Node, error)
	Nodes(ctx context.Context) ([]*Node, error)
	PutNode(ctx context.Context, n *Node) error
	DeleteNode(ctx context.Context, host string) (bool, error)
}
