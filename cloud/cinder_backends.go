package cloud

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"stackd/cinder"
	cinderfile "stackd/cinder/file"
	"stackd/cinder/iscsi"
	"stackd/cinder/lvm"
	"stackd/cinder/rbd"
	"stackd/glance"
	"stackd/internal/ceph"
)

// volumePlaces are the backends that the settings name, by host@backend#pool, with
// their volume_backend_names.
func (c *Cloud) volumePlaces(cfg Config) (backends map[string]cinder.Backend, labels map[string]string, err error) {
	o, err := cfg.Volume.Filled()
	if err != nil {
		return nil, nil, err
	}
	backends, labels = map[string]cinder.Backend{}, map[string]string{}
	for _, b := range o.Backends {
		at, err := volumePlace(b, cfg)
		if err == nil && b.Host != "" && len(cfg.Peers) > 0 {
			at, err = c.between(b, at, cfg)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("volume: backend %s: %w", b.Name, err)
		}
		name := "stackd@" + b.Name + "#" + b.Place()
		backends[name], labels[name] = at, b.Label
	}
	return backends, labels, nil
}

func volumePlace(b cinder.BackendOptions, cfg Config) (cinder.Backend, error) {
	dir := filepath.Join(cfg.DataDir, "volumes-"+b.Name)
	if b.Kind == "file" && b.Name == "files" {
		dir = filepath.Join(cfg.DataDir, "volumes")
	}
	dir = cmp.Or(b.Dir, dir)
	var at cinder.Backend
	var err error
	switch b.Kind {
	case "file":
		at, err = cinderfile.New(dir)
	case "lvm":
		at, err = lvm.New(lvm.Options{Group: b.Group, Pool: b.ThinPool, Thick: b.Thick, NoClear: b.NoClear, Dir: dir})
	case "rbd":
		at, err = rbd.New(rbd.Options{Cluster: ceph.Cluster{User: b.User, Conf: b.Conf, Keyring: b.Keyring}, Pool: b.Pool, Dir: dir, MaxDepth: b.MaxDepth})
	}
	if err != nil || b.Target != "iscsi" {
		return at, err
	}
	return iscsi.Over(at, iscsi.Options{Address: b.Address, Dir: targetDir(cfg.DataDir, b.Name), Netns: cfg.GuestNetns, Key: cfg.Identity.MasterKey})
}

func targetDir(data, backend string) string { return filepath.Join(data, "iscsi-"+backend) }

// EndExports ends the iSCSI daemons of a cloud whose data are in a folder.
func EndExports(data string) error {
	dirs, err := filepath.Glob(targetDir(data, "*"))
	for _, d := range dirs {
		if e := iscsi.Stop(d); err == nil {
			err = e
		}
	}
	return err
}

// Place is where an image's bytes lie in Ceph, for who may clone them; "" when nowhere.
func (x volumeImages) Place(ctx context.Context, id string) (string, error) {
	i, err := x.g.Get(ctx, id)
	if err != nil {
		return "", err
	}
	return place(x.g, i), nil
}

func place(g *glance.Imaging, i *glance.Image) string {
	for _, l := range i.Locations {
		if url := g.URL(l); strings.HasPrefix(url, "rbd://") {
			return url
		}
	}
	return ""
}

// exports keeps iSCSI targets as the rows say, from the beginning on.
func (c *Cloud) exports(ctx context.Context) {
	c.Storage.KeepExports(ctx)
	every(10*time.Second, c.Storage.KeepExports)(ctx)
}
