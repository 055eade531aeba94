package cloud

import (
	"context"
	"io"

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

func (x images) Create(ctx context.Context, w nova.ImageSpec) (string, error) {
	i := &glance.Image{Name: &w.Name, Owner: w.Owner, Visibility: "private", DiskFormat: w.Format, ContainerFormat: "bare", MinDisk: w.MinDisk, MinRAM: w.MinRAM, Properties: w.Properties}
	err := x.g.Create(ctx, i)
	return i.ID, err
}

func (x images) Filled(ctx context.Context, id string) (bool, error) {
	i, err := x.g.Get(ctx, id)
	return err == nil && i.Status == glance.Active, err
}

func (x images) Fill(ctx context.Context, id string, body io.Reader) error {
	return x.g.Upload(ctx, id, body, -1, func(*glance.Image) error { return nil })
}

func (x images) Drop(ctx context.Context, id string) error {
	return x.g.Remove(ctx, id, func(*glance.Image) error { return nil })
}
