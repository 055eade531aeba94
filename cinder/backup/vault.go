package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"

	"stackd/cinder"
	"stackd/internal/converge"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
)

// A Vault is a cinder.Vault.
type Vault struct {
	blobs Blobs
	pack  *zstd.Encoder
	open  *zstd.Decoder
}

var _ cinder.Vault = (*Vault)(nil)

// parallel is how many chunks of a backup are on their way at once; that many are in memory.
const parallel = 4

// New is a vault over a place for objects.
func New(b Blobs) (*Vault, error) {
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(parallel), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	open, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(parallel), zstd.WithDecodeAllCapLimit(true))
	return &Vault{b, pack, open}, err
}

var id = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// place is the name of an object. Ids are our own, and still are looked at.
func place(backup, object string) (string, error) {
	if !id.MatchString(backup) {
		return "", converge.Finalf("%q is no id of a backup", backup)
	}
	return "backup-" + backup + "/" + object, nil
}

// Has tells whether a backup is there, whole.
func (v *Vault) Has(ctx context.Context, backup string) (bool, error) {
	_, err := v.manifest(ctx, backup)
	if errors.Is(err, ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

// Delete takes the manifest away first, so that what is left is no backup.
func (v *Vault) Delete(ctx context.Context, backup string) error {
	head, err := place(backup, "manifest")
	if err != nil {
		return err
	}
	if err := v.blobs.Delete(ctx, head); err != nil {
		return err
	}
	prefix, _ := place(backup, "")
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * parallel)
	err = v.blobs.List(ctx, prefix, func(name string) error {
		g.Go(func() error { return v.blobs.Delete(ctx, name) })
		return ctx.Err()
	})
	return errors.Join(g.Wait(), err)
}

// chunk reads one, and looks that it is what it was.
func (v *Vault) chunk(ctx context.Context, backup string, sum [sha256.Size]byte, length int64) ([]byte, error) {
	name, err := place(backup, hex.EncodeToString(sum[:]))
	if err != nil {
		return nil, err
	}
	packed, err := v.blobs.Get(ctx, name, 2*length+4096)
	if errors.Is(err, ErrMissing) {
		return nil, converge.Finalf("chunk %s is not there", name)
	}
	if err != nil {
		return nil, err
	}
	b, err := v.open.DecodeAll(packed, make([]byte, 0, length))
	if err == nil && (int64(len(b)) != length || sha256.Sum256(b) != sum) {
		err = errors.New("it holds something else")
	}
	if err != nil {
		return nil, converge.Finalf("chunk %s is damaged: %v", name, err)
	}
	return b, nil
}
