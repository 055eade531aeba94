package cloud

import (
	"context"
	"io"
	"time"

	"stackd/glance"
	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/nova"
)

// images is the image service in compute's words.
type images struct{ g *glance.Imaging }

func (x images) Image(ctx context.Context, id string) (nova.ImageFacts, error) {
	i, err := x.g.Get(ctx, id)
	if err != nil {
		return nova.ImageFacts{}, err
	}
	f := nova.ImageFacts{ID: i.ID, Status: i.Status, Format: i.DiskFormat, SHA512: i.HashValue, MinDisk: i.MinDisk, MinRAM: i.MinRAM, Properties: i.Properties}
	if i.Name != nil {
		f.Name = *i.Name
	}
	if i.Size != nil && i.VirtualSize != nil {
		f.Size, f.Virtual = *i.Size, *i.VirtualSize
	}
	return f, nil
}

func (x images) Create(ctx context.Context, w nova.ImageSpec) (string, error) {
	i := &glance.Image{Name: &w.Name, Owner: w.Owner, Visibility: "private", DiskFormat: w.Format, ContainerFormat: "bare", MinDisk: w.MinDisk, MinRAM: w.MinRAM, Properties: w.Properties}
	err := x.g.Create(ctx, i)
	return i.ID, err
}

func (x images) Filled(ctx context.Context, id string) (bool, error) { return filled(ctx, x.g, id) }

func (x images) Fill(ctx context.Context, id string, body io.Reader) error {
	return fill(ctx, x.g, id, body, -1)
}

// fillAgain is how long an upload waits for another, which may have died, to end.
const fillAgain = 2 * time.Second

// filled tells whether an image has its bytes; while another upload is at it, or seems to
// be, that is to be asked again.
func filled(ctx context.Context, g *glance.Imaging, id string) (bool, error) {
	i, err := g.Get(ctx, id)
	switch {
	case err != nil:
		return false, err
	case i.Status == glance.Active || i.Status == glance.Deactivated:
		return true, nil
	case i.Status != glance.Queued:
		return false, converge.Later(fillAgain)
	}
	return false, nil
}

// fill gives an image its bytes; one that is being filled is to be looked at again.
func fill(ctx context.Context, g *glance.Imaging, id string, body io.Reader, size int64) error {
	err := g.Upload(ctx, id, body, size, func(*glance.Image) error { return nil })
	if fault.Is(err, fault.Conflict) {
		err = converge.Later(fillAgain)
	}
	return err
}

func (x images) Backups(ctx context.Context, server, kind string) ([]string, error) {
	q := glance.Query{All: true, Properties: map[string]string{"instance_uuid": server, "image_type": "backup", "backup_type": kind}}
	q.Sorts = []listing.Sort{{Key: "created_at", Desc: true}}
	rows, err := x.g.Images(ctx, q)
	var ids []string
	for _, i := range rows {
		ids = append(ids, i.ID)
	}
	return ids, err
}

func (x images) Drop(ctx context.Context, id string) error {
	return x.g.Remove(ctx, id, func(*glance.Image) error { return nil })
}
