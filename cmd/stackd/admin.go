package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
)

// newAdmin is an administrator for a cloud that may be new. The password is written down
// before the database has it, so that a process that is killed in between loses nothing.
func (o *options) newAdmin() (login, error) {
	l := o.readLogin("admin.new")
	if l.Password != "" {
		return login{"admin", "admin", l.Password}, nil
	}
	l = login{"admin", "admin", rand.Text()}
	return l, os.WriteFile(o.path("keystonerc_admin.new"), []byte(o.rc(l)), 0o600)
}

// keepAdmin writes the credentials, if the cloud's administrator is the new one. One that
// the database had before keeps its password, which is not known here.
func (p *process) keepAdmin(ctx context.Context, o *options, admin login) error {
	ours, err := p.cloud.Identity.AdminKnows(ctx, admin.Password)
	if err != nil {
		return err
	}
	if !ours {
		slog.Warn("the administrator's password is not known here and was left as it is", "to have it here", "copy "+o.path("keystonerc_admin")+" from another control plane", "to set another", "stackd keystone bootstrap")
		admin.Password = ""
	}
	return errors.Join(o.writeLogins(o.logins(admin)...), os.Remove(o.path("keystonerc_admin.new")))
}
