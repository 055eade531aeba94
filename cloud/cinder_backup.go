package cloud

import (
	"cmp"
	"fmt"

	"stackd/cinder/backup"
	"stackd/internal/s3"
)

// backups puts the place of backups together: a folder below the data folder, if nothing else.
func (c *Cloud) backups(cfg Config) error {
	o, err := cfg.Backup.Filled()
	if err != nil || o.Store == "none" {
		return err
	}
	var at backup.Blobs
	switch o.Store {
	case "file":
		at, err = backup.NewFolder(cmp.Or(o.Dir, cfg.DataDir+"/backups"))
	case "s3":
		var b *s3.Bucket
		b, err = s3.New(s3.Options{Endpoint: o.Endpoint, Region: o.Region, Bucket: o.Bucket, AccessKey: o.AccessKey, SecretKey: o.SecretKey})
		at = backup.Bucket{Bucket: b}
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	v, err := backup.New(at)
	if err != nil {
		return err
	}
	c.Storage.Kept(v)
	return nil
}
