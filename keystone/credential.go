package keystone

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"

	"github.com/fernet/fernet-go"
)

// A Credential is a secret kept for a user: an EC2 key pair, a TOTP seed, a
// certificate. Its blob is encrypted at rest.
type Credential struct {
	ID        string         `bun:"id,pk"`
	UserID    string         `bun:"user_id"`
	ProjectID string         `bun:"project_id"`
	Type      string         `bun:"type"`
	Secret    string         `bun:"secret"` // the blob, encrypted
	Extra     map[string]any `bun:"extra"`

	Blob string `bun:"-"`
}

func (i *Identity) hide(ctx context.Context, c *Credential) error {
	keys, err := i.secrets(ctx, "credential")
	if err != nil {
		return err
	}
	b, err := fernet.EncryptAndSign([]byte(c.Blob), keys[0])
	c.Secret = string(b)
	return err
}

func (i *Identity) reveal(ctx context.Context, cs ...*Credential) error {
	keys, err := i.secrets(ctx, "credential")
	for _, c := range cs {
		c.Blob = string(fernet.VerifyAndDecrypt([]byte(c.Secret), 0, keys))
	}
	return err
}

// CreateCredential keeps a credential. An EC2 one is known by its access key.
func (i *Identity) CreateCredential(ctx context.Context, c *Credential) error {
	if c.Type == "ec2" {
		access, err := ec2Access(c.Blob)
		if err != nil {
			return err
		}
		if c.ProjectID == "" {
			return fault.New(fault.Invalid, "Credential of type ec2 requires a project_id")
		}
		c.ID = hash(access)
	}
	c.ID = orNewID(c.ID)
	if err := i.hide(ctx, c); err != nil {
		return err
	}
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := i.User(ctx, c.UserID); err != nil {
			return fault.New(fault.Invalid, "Could not find user: %s.", c.UserID).Because(err)
		}
		err := i.store.Insert(ctx, c)
		if sqldb.Taken(err) {
			return conflict("credential", "Duplicate entry found with ID %s", c.ID)
		}
		return err
	})
}

// Credential is one credential with its blob.
func (i *Identity) Credential(ctx context.Context, id string) (*Credential, error) {
	c, err := one[Credential](ctx, i.store, Match{"id": id})
	if err == nil && c == nil {
		return nil, missing("credential", id)
	}
	if err != nil {
		return nil, err
	}
	return c, i.reveal(ctx, c)
}

// Credentials is one page of credentials.
func (i *Identity) Credentials(ctx context.Context, l listing.List) (listing.Page[*Credential], error) {
	p, err := pageOf[Credential](ctx, i.store, l)
	if err != nil {
		return p, err
	}
	return p, i.reveal(ctx, p.Items...)
}

// UpdateCredential changes a credential in place.
func (i *Identity) UpdateCredential(ctx context.Context, id string, change func(*Credential) error) (*Credential, error) {
	var c *Credential
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if c, err = i.Credential(ctx, id); err != nil {
			return err
		}
		old := boundsOf(c.Blob)
		if err := change(c); err != nil {
			return err
		}
		if err := unbound(old, boundsOf(c.Blob)); err != nil {
			return err
		}
		if c.Type == "ec2" && c.ProjectID == "" {
			return fault.New(fault.Invalid, "Credential of type ec2 requires a project_id")
		}
		if err := i.hide(ctx, c); err != nil {
			return err
		}
		return i.store.Update(ctx, c)
	})
	return c, err
}

// DeleteCredential takes a credential away.
func (i *Identity) DeleteCredential(ctx context.Context, id string) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*Credential)(nil), Match{"id": id})
		if err == nil && n == 0 {
			return missing("credential", id)
		}
		return err
	})
}
