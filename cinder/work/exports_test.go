package work_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"stackd/cinder"
	"stackd/cinder/file"
	"stackd/cinder/store"
	"stackd/cinder/work"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"
)

var whoever = &token.Who{User: token.Ref{ID: "u"}, Project: token.Ref{ID: "p"}, Roles: []token.Ref{{ID: "member", Name: "member"}}}

// A served backend lets holders in by a password, and by a server that forgets.
type served struct {
	cinder.Backend
	in     map[string]bool
	before func() // Keep has listed what is there
}

func (b *served) Connect(ctx context.Context, volume, holder string) (string, map[string]string, error) {
	b.in[holder] = true
	return "iscsi", map[string]string{"host": "192.0.2.1", "target": volume, "username": "u"}, nil
}

func (b *served) Disconnect(_ context.Context, _, holder string) error {
	delete(b.in, holder)
	return nil
}

func (b *served) Secret(_ context.Context, _, holder string) (string, error) {
	return "secret-of-" + holder, nil
}

func (b *served) Keep(_ context.Context, volumes map[string]string) (again []string, err error) {
	if b.before != nil {
		b.before()
	}
	for holder := range volumes {
		if !b.in[holder] {
			b.in[holder] = true
			again = append(again, holder)
		}
	}
	return again, nil
}

// connectOld connects a host without an attachment, and gives its holder's name.
func connectOld(t *testing.T, s *cinder.Storage, volume string) string {
	t.Helper()
	v, err := s.Store.Volume(t.Context(), volume)
	if err == nil {
		_, err = s.Connection(t.Context(), v, "", map[string]any{"host": "h"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return cinder.ByHost(volume, "h")
}

// Holders are let in again that the server has forgotten, but not those who only reserved,
// nor those who went meanwhile; and no row holds a password.
func TestExportsAreKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		rows, err := store.Open(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		files, err := file.New(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		b := &served{Backend: files, in: map[string]bool{}}
		s := cinder.New(rows, nil, map[string]cinder.Backend{"h@b#p": b})
		if err := s.EnsureDefaultType(ctx); err != nil {
			t.Fatal(err)
		}
		held := func(connect bool) *cinder.Attachment {
			t.Helper()
			v, err := s.CreateVolume(ctx, whoever, cinder.VolumeSpec{Size: 1})
			if err != nil {
				t.Fatal(err)
			}
			if err := work.New(s).Reconcile(ctx, v.ID); err != nil {
				t.Fatal(err)
			}
			a := &cinder.Attachment{VolumeID: v.ID, ServerID: "s"}
			if err := s.Reserve(ctx, a); err != nil {
				t.Fatal(err)
			}
			if connect {
				told, err := s.ConnectAttachment(ctx, a.ID, map[string]any{"host": "h"})
				if err != nil || told.Connection["auth_password"] != "secret-of-"+a.ID || told.Connection["target_iqn"] != v.ID {
					t.Fatal(told, err)
				}
			}
			return a
		}
		one, _, gone, old := held(true), held(false), held(true), held(false)
		by := connectOld(t, s, old.VolumeID)
		b.in = map[string]bool{}
		b.before = func() {
			b.before = nil
			if err := s.Release(ctx, gone.ID); err != nil {
				t.Fatal(err)
			}
			if err := s.EndExports(ctx, gone.VolumeID); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := s.KeepExports(ctx); err != nil {
				t.Fatal(err)
			}
			if !b.in[one.ID] || !b.in[by] || len(b.in) != 2 {
				t.Fatal("in are", b.in, "not", one.ID, "and", by)
			}
		}
		err = errors.Join(s.Terminate(ctx, old.VolumeID, "h"), s.EndExports(ctx, old.VolumeID), s.KeepExports(ctx))
		if err != nil || b.in[by] {
			t.Error("terminated, in are", b.in, err)
		}
		connectOld(t, s, old.VolumeID)
		err = errors.Join(s.Release(ctx, old.ID), s.DeleteVolume(ctx, old.VolumeID, false, false), work.New(s).Reconcile(ctx, old.VolumeID), s.KeepExports(ctx))
		if err != nil || b.in[by] {
			t.Error("the volume deleted, in are", b.in, err)
		}
		as, err := s.AttachmentsOn(ctx, "s")
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(as["s"], func(a *cinder.Attachment) bool { return a.ID == one.ID })
		secret, err := s.Secret(ctx, as["s"][at])
		if err != nil || secret != "secret-of-"+one.ID {
			t.Error(secret, err)
		}
		if text, _ := json.Marshal(as); strings.Contains(string(text), secret) {
			t.Error("a row holds the password")
		}
	})
}
