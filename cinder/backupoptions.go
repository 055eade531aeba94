package cinder

import (
	"cmp"
	"fmt"
)

// BackupOptions are the settings of where backups are kept; docs/settings.md says what they do.
type BackupOptions struct {
	Store string `yaml:"store"` // file, s3, none

	Dir string `yaml:"dir"` // file

	Endpoint  string `yaml:"endpoint"` // s3
	Region    string `yaml:"region"`
	Bucket    string `yaml:"bucket"`
	AccessKey string `yaml:"access_key"`
	SecretKey string `yaml:"secret_key"`
}

// Filled are the settings with what was not said, or why they cannot be.
func (o BackupOptions) Filled() (BackupOptions, error) {
	switch o.Store = cmp.Or(o.Store, "file"); o.Store {
	case "file", "s3", "none":
		return o, nil
	}
	return o, fmt.Errorf("backup: store %q: file, s3 or none is wanted", o.Store)
}
