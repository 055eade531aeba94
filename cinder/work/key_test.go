package work_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stackd/cinder"
	"stackd/cinder/backup"
	"stackd/cinder/cindertest"
	"stackd/cinder/file"
	"stackd/cinder/store"
	"stackd/cinder/work"
	"stackd/internal/fault"
	"stackd/internal/sealed"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// A volume of an encrypted type is a LUKS container that its own passphrase opens, and
// its copies are opened by the same; the database holds neither in the clear.
func TestEncryptedVolumes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		rows, err := store.Open(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		files, err := file.New(dir)
		if err != nil {
			t.Fatal(err)
		}
		s := cinder.New(rows, cindertest.New(t, db).Images, map[string]cinder.Backend{"h@files#volumes": files})
		s.Sealed(sealed.New([]byte("master"), "cinder keys"))
		if err := s.EnsureDefaultType(ctx); err != nil {
			t.Fatal(err)
		}
		kind := &cinder.Type{Name: "luks", Public: true, ExtraSpecs: map[string]string{}}
		if err := s.CreateType(ctx, kind); err != nil {
			t.Fatal(err)
		}
		if err := s.EncryptType(ctx, &cinder.Encryption{TypeID: kind.ID, Provider: "luks", Location: "front-end"}); err != nil {
			t.Fatal(err)
		}
		who := &token.Who{User: token.Ref{ID: "u"}, Project: token.Ref{ID: "p"}, Roles: []token.Ref{{ID: "member", Name: "member"}}}
		w := work.New(s)
		make := func(spec cinder.VolumeSpec) *cinder.Volume {
			t.Helper()
			v, err := s.CreateVolume(ctx, who, spec)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Reconcile(ctx, v.ID); err != nil {
				t.Fatal(err)
			}
			if v, err = s.Volume(ctx, v.ID); err != nil || v.Status != cinder.Available {
				t.Fatal(v, err)
			}
			return v
		}
		v := make(cinder.VolumeSpec{Size: 1, Type: "luks"})
		copied := make(cinder.VolumeSpec{Size: 1, SourceID: v.ID})
		secrets, err := s.Passphrases(ctx, v.ID, copied.ID)
		if err != nil || secrets[v.ID] == "" || secrets[v.ID] != secrets[copied.ID] || v.KeyID == copied.KeyID {
			t.Fatal(secrets, err)
		}
		for _, one := range []*cinder.Volume{v, copied} {
			opens(t, dir, one.ID, secrets[one.ID], true)
			opens(t, dir, one.ID, "something else", false)
		}
		keys, err := s.KeysOf(ctx, v.ID)
		if err != nil || strings.Contains(keys[v.ID].Sealed, secrets[v.ID]) {
			t.Fatal("the key lies open", err)
		}
		inUse(t, s, who, copied, files.Features().SnapshotInUse)
		plain := make(cinder.VolumeSpec{Size: 1})
		if _, err := s.CreateVolume(ctx, who, cinder.VolumeSpec{Size: 1, SourceID: plain.ID, Type: "luks"}); !fault.Is(err, fault.Invalid) {
			t.Fatal("a plain volume's copy was called encrypted:", err)
		}
		drop := func(id string) {
			t.Helper()
			if err := errors.Join(s.DeleteVolume(ctx, id, false, false), w.Reconcile(ctx, id)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(s.ReimageVolume(ctx, v.ID, cindertest.ImageID, false), w.Reconcile(ctx, v.ID)); err != nil {
			t.Fatal(err)
		}
		opens(t, dir, v.ID, secrets[v.ID], true) // an image in it is closed, too
		backedUp(t, s, dir, make, drop)
		drop(v.ID)
		var left int
		if err := db.Raw().QueryRow("SELECT COUNT(*) FROM volume_keys").Scan(&left); err != nil || left != 1 {
			t.Fatal("one key should be left, of the copy:", left, err)
		}
	})
}

// backedUp: a backup of an encrypted volume is read with its key when the volume and its
// key are gone: by a new volume, and by one that had another key.
func backedUp(t *testing.T, s *cinder.Storage, dir string, make func(cinder.VolumeSpec) *cinder.Volume, drop func(string)) {
	t.Helper()
	ctx, who := t.Context(), cindertest.Who("p", "member")
	folder, err := backup.NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	vault, err := backup.New(folder)
	if err != nil {
		t.Fatal(err)
	}
	s.Kept(vault)
	backups := work.NewBackups(s)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	passphrase := func(id string) string {
		t.Helper()
		all, err := s.Passphrases(ctx, id)
		must(err)
		return all[id]
	}
	keep := func(v *cinder.Volume) *cinder.Backup {
		t.Helper()
		b, err := s.CreateBackup(ctx, who, cinder.BackupSpec{VolumeID: v.ID})
		must(err)
		must(backups.Reconcile(ctx, b.ID))
		b, err = s.Backup(ctx, b.ID)
		must(err)
		if b.Status != cinder.Available {
			t.Fatalf("the backup is %s: %s", b.Status, b.LastFault)
		}
		return b
	}
	v, other, plain := make(cinder.VolumeSpec{Size: 1, Type: "luks"}), make(cinder.VolumeSpec{Size: 1, Type: "luks"}), make(cinder.VolumeSpec{Size: 1})
	secret, old := passphrase(v.ID), passphrase(other.ID)
	b, open := keep(v), keep(plain)
	drop(v.ID)

	back := make(cinder.VolumeSpec{Size: 1, BackupID: b.ID})
	if back.TypeName != "luks" || back.KeyID == b.KeyID || passphrase(back.ID) != secret {
		t.Errorf("restored as %s", back.TypeName)
	}
	opens(t, dir, back.ID, secret, true)

	if _, err := s.RestoreBackup(ctx, who, b.ID, plain.ID, nil); !fault.Is(err, fault.Invalid) {
		t.Error("written over a plain volume:", err)
	}
	if _, err := s.RestoreBackup(ctx, who, open.ID, other.ID, nil); !fault.Is(err, fault.Invalid) {
		t.Error("a plain backup was written over an encrypted volume:", err)
	}
	if _, err := s.CreateVolume(ctx, who, cinder.VolumeSpec{Size: 1, BackupID: open.ID, Type: "luks"}); !fault.Is(err, fault.Invalid) {
		t.Error("a plain backup became an encrypted volume:", err)
	}
	_, err = s.RestoreBackup(ctx, who, b.ID, other.ID, nil)
	must(err)
	must(work.New(s).Reconcile(ctx, other.ID))
	if passphrase(other.ID) != secret {
		t.Error("the volume has its old key")
	}
	opens(t, dir, other.ID, secret, true)
	opens(t, dir, other.ID, old, false)

	kind, url, err := s.ExportBackup(ctx, b.ID)
	must(err)
	dropBackup := func(b *cinder.Backup) { must(s.DeleteBackup(ctx, b.ID, false)); must(backups.Reconcile(ctx, b.ID)) }
	if _, err := s.ImportBackup(ctx, who, kind, url); !fault.Is(err, fault.Invalid) {
		t.Error("what is there was imported:", err)
	}
	must(s.Tx(ctx, func(ctx context.Context) error { // as another cloud is, that has the same place and key
		return errors.Join(s.DeleteBackupRow(ctx, b.ID), s.DeleteKey(ctx, b.KeyID))
	}))
	s.Sealed(sealed.New([]byte("another cloud"), "cinder keys"))
	if _, err := s.ImportBackup(ctx, who, kind, url); !fault.Is(err, fault.Invalid) {
		t.Error("a backup was imported that nobody can read:", err)
	}
	s.Sealed(sealed.New([]byte("master"), "cinder keys"))
	b, err = s.ImportBackup(ctx, who, kind, url)
	must(err)
	again := make(cinder.VolumeSpec{Size: 1, BackupID: b.ID})
	opens(t, dir, again.ID, secret, true)
	if _, err := s.ImportBackup(ctx, who, kind, base64.StdEncoding.EncodeToString([]byte(`{"id":"`+uuid.NewString()+`","place":"`+uuid.NewString()+`","size":1}`))); !fault.Is(err, fault.Invalid) {
		t.Error("a backup was imported whose bytes are not there:", err)
	}
	twins(t, s, vault, kind, url, b, dropBackup)
	dropBackup(b)
	dropBackup(open)
	for _, id := range []string{back.ID, other.ID, plain.ID, again.ID} {
		drop(id)
	}
}

// twins: a record may be taken up under another id; the bytes go with the last row that has them.
func twins(t *testing.T, s *cinder.Storage, vault *backup.Vault, kind, url string, b *cinder.Backup, drop func(*cinder.Backup)) {
	t.Helper()
	record, err := base64.StdEncoding.DecodeString(url)
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.NewString()
	changed := strings.Replace(string(record), `"id":"`+b.ID, `"id":"`+id, 1)
	twin, err := s.ImportBackup(t.Context(), cindertest.Who("p", "member"), kind, base64.StdEncoding.EncodeToString([]byte(changed)))
	if err != nil || twin.ID != id || twin.Place != b.ID {
		t.Fatal(twin, err)
	}
	drop(twin)
	if ok, err := vault.Has(t.Context(), b.ID); !ok || err != nil {
		t.Error("the bytes went with the copy of the row:", err)
	}
}

// opens asks QEMU to read the container with a passphrase.
func opens(t *testing.T, dir, volume, passphrase string, want bool) {
	t.Helper()
	path, err := filepath.Glob(filepath.Join(dir, "*"+volume))
	if err != nil || len(path) != 1 {
		t.Fatal(path, err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("qemu-io", "--object", "secret,id=key,file="+secret, "--image-opts", "driver=luks,key-secret=key,file.driver=file,file.filename="+path[0], "-c", "read 0 4096").CombinedOutput()
	if good := err == nil && strings.Contains(string(out), "read 4096/4096"); good != want {
		t.Fatalf("opened with %q: %v\n%s", passphrase, err, out)
	}
}

// inUse: a guest's host is never asked to copy an encrypted disk, for it would write what
// is inside; and what a host is told of a volume's size is the volume's own.
func inUse(t *testing.T, s *cinder.Storage, who *token.Who, v *cinder.Volume, alone bool) {
	t.Helper()
	ctx := t.Context()
	a := &cinder.Attachment{VolumeID: v.ID, ServerID: "server", BootIndex: -1}
	if err := s.Reserve(ctx, a); err != nil {
		t.Fatal(err)
	}
	if err := s.MarkAttachment(ctx, a.ID, cinder.Attached); err != nil {
		t.Fatal(err)
	}
	s.Served(&copier{t: t})
	_, err := s.CreateSnapshot(ctx, who, cinder.SnapshotSpec{VolumeID: v.ID, InUse: true})
	if alone && err != nil || !alone && !fault.Is(err, fault.Invalid) {
		t.Error("a snapshot of an encrypted volume in use:", err)
	}
	on, err := s.AttachmentsOn(ctx, "server")
	if err != nil || len(on["server"]) != 1 || on["server"][0].Size != v.Size || on["server"][0].Shared {
		t.Error(on, err)
	}
	if err := s.Release(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	if now, err := s.Volume(ctx, v.ID); err != nil || now.Status != cinder.Available {
		t.Error(now, err)
	}
}

// copier is a compute that must not be asked.
type copier struct {
	cindertest.Guests
	t *testing.T
}

func (c *copier) Copy(context.Context, string, string, string, string, map[string]string) (bool, error) {
	c.t.Error("the guest's host was asked to copy")
	return false, nil
}
