package cloud

import (
	"context"

	"stackd/glance"
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
