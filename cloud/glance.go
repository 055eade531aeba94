package cloud

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"stackd/glance"
	glanceapi "stackd/glance/api"
	"stackd/glance/fetch"
	"stackd/glance/file"
	"stackd/glance/rbd"
	images3 "stackd/glance/s3"
	"stackd/glance/shape"
	"stackd/glance/store"
	"stackd/glance/work"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/s3"
	"stackd/keystone"

	"github.com/google/uuid"
)

// images puts the image service together.
func (c *Cloud) images(ctx context.Context, cfg Config) error {
	s, err := store.Open(ctx, c.DB)
	if err != nil {
		return err
	}
	parts, err := c.imageParts(cfg)
	if err != nil {
		return err
	}
	parts.Limits, parts.Regions = imageLimits{c.Identity}, imageRegions{c.Identity}
	c.Imaging = glance.New(s, parts)
	if err := errors.Join(work.Recover(ctx, c.Imaging), c.Imaging.Usual(ctx)); err != nil {
		return err
	}
	c.Handlers["image"] = glanceapi.New(c.Imaging, c.Identity, c.Rules["glance"], cfg.Address(5000))
	c.loops = append(c.loops, c.Imaging.Tend, work.Loop(c.Imaging).Run)
	return nil
}

// imageParts are what the settings name: folders below the data folder, if nothing else.
func (c *Cloud) imageParts(cfg Config) (glance.Parts, error) {
	o, err := cfg.Image.Filled()
	if len(cfg.Peers) > 0 {
		o.Host = cmp.Or(o.Host, cfg.Self)
	}
	p := glance.Parts{Options: o, Shaper: shape.Tools{}}
	if err != nil {
		return p, err
	}
	for _, s := range o.Stores {
		place, err := c.imagePlace(s, cfg)
		if err != nil {
			return p, fmt.Errorf("image: store %s: %w", s.ID, err)
		}
		p.Places = append(p.Places, place)
	}
	if p.Staging, err = file.New(cmp.Or(o.StagingDir, cfg.DataDir+"/images-staging")); err != nil {
		return p, err
	}
	if !o.CacheOff {
		if p.Cache, err = file.New(cmp.Or(o.CacheDir, cfg.DataDir+"/images-cache")); err != nil {
			return p, err
		}
	}
	if p.Fetcher, err = fetch.New(o.ImportFilter); err != nil {
		return p, err
	}
	if o.Certificates != "" {
		p.Certificates = certificates(o.Certificates)
	}
	if o.Protections == "" {
		return p, nil
	}
	f, err := os.Open(o.Protections)
	if err != nil {
		return p, err
	}
	defer f.Close()
	p.Protections, err = glance.ParseProtections(f)
	return p, err
}

func (c *Cloud) imagePlace(s glance.StoreOptions, cfg Config) (*glance.Place, error) {
	dir, p := cfg.DataDir, &glance.Place{ID: s.ID, Type: s.Type, Description: s.Description, Weight: s.Weight, Properties: map[string]any{}}
	var err error
	switch s.Type {
	case "file":
		at := cmp.Or(s.Dir, filepath.Join(dir, "images"))
		if s.Dir == "" && s.ID != "file" {
			at = filepath.Join(dir, "images-"+s.ID)
		}
		if p.Backend, err = file.New(at); err == nil && s.Dir == "" && len(cfg.Peers) > 0 {
			p.Backend, err = c.mirrored(s.ID, p.Backend.(*file.Files), cfg.Peers)
		}
		p.Properties = map[string]any{"data_dir": at, "chunk_size": 256 << 10, "thin_provisioning": false}
	case "s3":
		p.Backend, err = images3.New(s3.Options{Endpoint: s.Endpoint, Region: s.Region, Bucket: s.Bucket, AccessKey: s.AccessKey, SecretKey: s.SecretKey})
		p.Properties = map[string]any{"s3_store_large_object_size": images3.Part >> 20, "s3_store_large_object_chunk_size": images3.Part >> 20, "s3_store_thread_pools": 1}
	case "rbd":
		b := rbd.New(rbd.Options{Pool: s.Pool, User: s.User, Conf: s.Conf})
		p.Backend = b
		p.Properties = map[string]any{"chunk_size": 8 << 20, "pool": s.Pool, "thin_provisioning": false, "fsid": b.FSID()}
	}
	return p, err
}

// imageLimits are what identity keeps for the image service.
type imageLimits struct{ i *keystone.Identity }

func (l imageLimits) Limits(ctx context.Context, project string) (map[string]int64, error) {
	services, err := l.i.Services(ctx, listing.List{Where: map[string][]string{"type": {"image"}}, Limit: 10})
	if err != nil || len(services.Items) == 0 {
		return nil, err
	}
	of := func(more map[string][]string) listing.List {
		more["service_id"] = []string{services.Items[0].ID}
		return listing.List{Where: more, Limit: 100}
	}
	out := map[string]int64{}
	usual, err := l.i.RegisteredLimits(ctx, of(map[string][]string{}))
	if err != nil || len(usual.Items) == 0 {
		return nil, err
	}
	for _, u := range usual.Items {
		out[u.ResourceName] = u.Default
	}
	own, err := l.i.Limits(ctx, of(map[string][]string{"project_id": {project}}))
	if err != nil {
		return nil, err
	}
	for _, u := range own.Items {
		if _, ok := out[u.ResourceName]; ok && u.ProjectID == project {
			out[u.ResourceName] = u.Limit
		}
	}
	return out, nil
}

// imageRegions are the catalog's image services.
type imageRegions struct{ i *keystone.Identity }

func (r imageRegions) ImageEndpoint(ctx context.Context, region, iface string) (string, error) {
	services, err := r.i.Services(ctx, listing.List{Where: map[string][]string{"type": {"image"}}, Limit: 10})
	if err != nil {
		return "", err
	}
	for _, s := range services.Items {
		es, err := r.i.Endpoints(ctx, listing.List{Where: map[string][]string{"service_id": {s.ID}, "interface": {iface}}, Limit: 1000})
		if err != nil {
			return "", err
		}
		for _, e := range es.Items {
			if e.RegionID == region && e.Enabled {
				return e.URL, nil
			}
		}
	}
	return "", fault.New(fault.NotFound, "There is no image service in region %s.", region)
}

// certificates is a folder of ID.pem.
type certificates string

func (dir certificates) Certificate(_ context.Context, id string) (*x509.Certificate, error) {
	if uuid.Validate(id) != nil {
		return nil, fault.New(fault.NotFound, "No certificate %s.", id)
	}
	b, err := os.ReadFile(filepath.Join(string(dir), id+".pem"))
	if err != nil {
		return nil, fault.New(fault.NotFound, "No certificate %s.", id).Because(err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s/%s.pem is no PEM file", dir, id)
	}
	return x509.ParseCertificate(block.Bytes)
}
