package main

import (
	"time"

	"stackd/cinder"
	"stackd/glance"
	"stackd/horizon"
	"stackd/internal/config"
	"stackd/keystone"
)

// settings are what stackd.yaml in the data folder may say. docs/settings.md lists
// them all.
type settings struct {
	Identity  keystone.Options     `yaml:"identity"`
	Image     glance.Options       `yaml:"image"`
	Volume    cinder.Options       `yaml:"volume"`
	Backup    cinder.BackupOptions `yaml:"backup"`
	Dashboard horizon.Options      `yaml:"dashboard"`
}

// settings reads the file; without one the usual settings hold.
func (o *options) settings() (settings, error) {
	s := settings{Identity: keystone.Options{TOTP: true, LockoutAttempts: 10, LockoutDuration: 5 * time.Minute}}
	return s, config.Read(o.path("stackd.yaml"), &s)
}
