package cloud

import (
	"context"
	"io"
	"time"

	"stackd/cinder"
	cinderapi "stackd/cinder/api"
	cinderstore "stackd/cinder/store"
	cinderwork "stackd/cinder/work"
	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/sealed"
	"stackd/internal/token"
)

// blocks puts block storage together: volumes are files below the data folder, if the
// settings say nothing else.
func (c *Cloud) blocks(ctx context.Context, cfg Config) error {
	s, err := cinderstore.Open(ctx, c.DB)
	if err != nil {
		return err
	}
	backends, labels, err := c.volumePlaces(cfg)
	if err != nil {
		return err
	}
	c.Storage = cinder.New(s, volumeImages{c.Imaging}, backends)
	for name, label := range labels {
		c.Storage.Label(name, label)
	}
	if err := c.Storage.EnsureDefaultType(ctx); err != nil {
		return err
	}
	if len(cfg.Identity.MasterKey) > 0 { // without it anybody could open what is closed
		c.Storage.Sealed(sealed.New(cfg.Identity.MasterKey, "cinder keys"))
	}
	if cfg.Logs != nil {
		c.Storage.Logged(cfg.Logs)
	}
	if err := c.backups(cfg); err != nil {
		return err
	}
	c.Handlers["volume"] = cinderapi.New(c.Storage, c.Identity, c.Rules["cinder"], cfg.Address(5000))
	if elsewhere(cfg) { // who has the backends works on volumes
		c.loops = append(c.loops, every(time.Hour, c.Storage.ForgetOld))
		return nil
	}
	for _, l := range cinderwork.Loops(c.Storage) {
		c.loops = append(c.loops, l.Run)
	}
	c.loops = append(c.loops, every(time.Hour, c.Storage.ForgetOld), every(time.Hour, c.Storage.Tidy), c.exports)
	return nil
}

// volumeImages is the image service in block storage's words.
type volumeImages struct{ g *glance.Imaging }

func (x volumeImages) Image(ctx context.Context, id string) (cinder.ImageFacts, error) {
	i, err := x.g.Get(ctx, id)
	if err != nil {
		return cinder.ImageFacts{}, err
	}
	f := cinder.ImageFacts{ID: i.ID, Status: i.Status, Format: i.DiskFormat, Container: i.ContainerFormat, Checksum: i.Checksum, MinDisk: i.MinDisk, MinRAM: i.MinRAM, Properties: i.Properties}
	if i.Name != nil {
		f.Name = *i.Name
	}
	if i.Size != nil {
		f.Size = *i.Size
	}
	if i.VirtualSize != nil {
		f.Virtual = *i.VirtualSize
	}
	return f, nil
}

func (x volumeImages) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	body, _, err := x.g.Open(ctx, id)
	return body, err
}

func (x volumeImages) Create(ctx context.Context, w *cinder.ImageSpec) error {
	i := &glance.Image{Name: &w.Name, DiskFormat: w.Format, ContainerFormat: w.Container, Visibility: w.Visibility, Protected: w.Protected, MinDisk: w.MinDisk, Properties: w.Properties}
	if who := token.From(ctx); who != nil {
		i.Owner = who.Project.ID
	}
	err := x.g.Create(ctx, i)
	w.ID = i.ID
	return err
}

func (x volumeImages) Fill(ctx context.Context, id string, body io.Reader, size int64) error {
	if done, err := filled(ctx, x.g, id); err != nil || done {
		return err
	}
	return fill(ctx, x.g, id, body, size)
}

func (x volumeImages) Discard(ctx context.Context, id string) error {
	err := x.g.Remove(ctx, id, func(i *glance.Image) error { i.Protected = false; return nil })
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
