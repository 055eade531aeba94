package keystone

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"stackd/internal/sqldb"
	"stackd/keystone/saml"
)

// A SAMLKey is what this cloud signs SAML with. There is one, made when it is first
// needed; peers know its certificate.
type SAMLKey struct {
	ID          string    `bun:"id,pk"`
	Private     string    `bun:"private"` // wrapped
	Certificate string    `bun:"certificate"`
	CreatedAt   time.Time `bun:"created_at"`
}

const samlKeyID = "signing"

// samlKey reads the key, or makes it: whichever control plane is first makes it for all.
func (i *Identity) samlKey(ctx context.Context) (*saml.Key, error) {
	if k := i.signing.Load(); k != nil {
		return k, nil
	}
	row, err := one[SAMLKey](ctx, i.store, Match{"id": samlKeyID})
	if err == nil && row == nil {
		row, err = i.makeSAMLKey(ctx)
	}
	if err != nil {
		return nil, err
	}
	private, err := i.keys.open("saml", row.Private)
	if err != nil {
		return nil, fmt.Errorf("the SAML key in the database was made under another master key: %w", err)
	}
	cert, err := base64.StdEncoding.DecodeString(row.Certificate)
	if err != nil {
		return nil, err
	}
	k, err := saml.ReadKey(private, cert)
	if err == nil {
		i.signing.Store(k)
	}
	return k, err
}

func (i *Identity) makeSAMLKey(ctx context.Context) (*SAMLKey, error) {
	private, cert, err := saml.NewKey("stackd identity")
	if err != nil {
		return nil, err
	}
	row := &SAMLKey{ID: samlKeyID, Private: i.keys.close("saml", private), Certificate: base64.StdEncoding.EncodeToString(cert), CreatedAt: i.db.Now()}
	err = i.db.Tx(ctx, func(ctx context.Context) error { return i.store.Insert(ctx, row) })
	if sqldb.Taken(err) {
		return one[SAMLKey](ctx, i.store, Match{"id": samlKeyID})
	}
	return row, err
}
