package keystone

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"

	"github.com/fernet/fernet-go"
	"github.com/vmihailenco/msgpack/v5"
)

// ReceiptLife is how long a receipt may be added to.
const ReceiptLife = 5 * time.Minute

// A Receipt tells which of the methods that a user's rules want were proven, so
// that the others can follow in a later request.
type Receipt struct {
	ID                  string
	User, Domain        token.Ref
	Methods             []string
	Required            [][]string // the rules that Methods begin
	IssuedAt, ExpiresAt time.Time
}

// receiptClaims are packed as a list: the order is the format.
type receiptClaims struct {
	User      []byte
	Methods   []string
	IssuedAt  int64 // microseconds
	ExpiresAt int64 // seconds
}

// receiptKeys are made of the token keys, and so change with them; neither reads
// what the other wrote.
func (i *Identity) receiptKeys(ctx context.Context) ([]*fernet.Key, error) {
	keys, err := i.secrets(ctx, "fernet")
	out := make([]*fernet.Key, len(keys))
	for n, k := range keys {
		m := hmac.New(sha256.New, k[:])
		m.Write([]byte("receipt"))
		out[n] = new(fernet.Key)
		m.Sum(out[n][:0])
	}
	return out, err
}

// writeReceipt gives a receipt its times and its text.
func (i *Identity) writeReceipt(ctx context.Context, r *Receipt) error {
	keys, err := i.receiptKeys(ctx)
	if err != nil {
		return err
	}
	r.IssuedAt = i.db.Now()
	r.ExpiresAt = r.IssuedAt.Add(ReceiptLife).Truncate(time.Second)
	var b bytes.Buffer
	enc := msgpack.NewEncoder(&b)
	enc.UseArrayEncodedStructs(true)
	if err := enc.Encode(receiptClaims{pack(r.User.ID), r.Methods, r.IssuedAt.UnixMicro(), r.ExpiresAt.Unix()}); err != nil {
		return err
	}
	t, err := fernet.EncryptAndSign(b.Bytes(), keys[0])
	r.ID = strings.TrimRight(string(t), "=")
	return err
}

// readReceipt is the methods that the user proved before. A receipt of another, one
// that is over, and one from before the user was signed out are all unknown.
func (i *Identity) readReceipt(ctx context.Context, u *User, text string) ([]string, error) {
	unknown := fault.New(fault.Unauthorized, "Could not find auth receipt: %s.", text)
	keys, err := i.receiptKeys(ctx)
	if err != nil || len(text) > 1024 {
		return nil, firstOf(err, unknown)
	}
	padded := text + strings.Repeat("=", (4-len(text)%4)%4)
	var c receiptClaims
	b := fernet.VerifyAndDecrypt([]byte(padded), 0, keys)
	if b == nil || msgpack.Unmarshal(b, &c) != nil {
		return nil, unknown
	}
	if unpack(c.User) != u.ID || !i.db.Now().Before(time.Unix(c.ExpiresAt, 0)) || time.UnixMicro(c.IssuedAt).Before(u.TokensFrom) {
		return nil, unknown
	}
	return c.Methods, nil
}
