package work_test

import (
	"context"
	"errors"
	"testing"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/nova/novatest"
	"stackd/nova/work"
)

// capture passes over all captures, due now.
func capture(t *testing.T, w *novatest.World) {
	t.Helper()
	if _, err := w.DB.Raw().Exec("UPDATE captures SET due_at = created_at"); err != nil {
		t.Fatal(err)
	}
	ids, err := w.C.DueCaptures(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := work.NewCaptures(w.C).Reconcile(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
}

func TestImageOfAServer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w := novatest.New(t, db)
		me := novatest.As(t.Context(), "p", "member")
		id := create(t, w).ID
		w.Settle(t, 6)
		image, err := w.C.CreateImage(me, id, "copy", map[string]string{"k": "v"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.C.Stop(me, id); !fault.Is(err, fault.Conflict) {
			t.Fatal("stopped meanwhile:", err)
		}
		w.Settle(t, 6) // other news of the server does not end it
		if s := state(t, w, id); s != "ACTIVE/image_snapshot/running" {
			t.Fatal(s)
		}
		capture(t, w)
		w.Settle(t, 6)
		made := w.Images.Made[image]
		if string(w.Images.Bytes[image]) != "a disk" || made.Properties["k"] != "v" || made.Properties["instance_uuid"] != id || made.Owner != "p" || made.MinDisk != 1 {
			t.Fatal(made, w.Images.Bytes)
		}
		if s := state(t, w, id); s != "ACTIVE//running" {
			t.Fatal(s)
		}
		if a := actions(t, w, id); a[0].Action != "createImage" || a[0].Result == nil || *a[0].Result != "Success" {
			t.Fatal(a[0])
		}
	})
}

// What cannot be made is given up after a while, and the image goes.
func TestImageThatIsNotMade(t *testing.T) {
	w := novatest.New(t, dbtest.SQLite(t))
	me := novatest.As(t.Context(), "p", "member")
	id := create(t, w).ID
	w.Settle(t, 6)
	w.Images.Break = errors.New("no room")
	if _, err := w.C.CreateImage(me, id, "copy", nil); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		capture(t, w)
	}
	w.Settle(t, 6)
	if len(w.Images.Made) != 0 || state(t, w, id) != "ACTIVE//running" {
		t.Fatal(w.Images.Made, state(t, w, id))
	}
}

// A server whose disks are volumes gives an image of their snapshots, and a server
// made of that has volumes again.
func TestImageOfVolumes(t *testing.T) {
	w := novatest.New(t, dbtest.SQLite(t))
	me := novatest.As(t.Context(), "p", "member")
	rows, err := w.C.CreateServers(me, bootFromImage(true))
	if err != nil {
		t.Fatal(err)
	}
	w.Settle(t, 6)
	image, err := w.C.CreateImage(me, rows[0].ID, "copy", nil)
	if err != nil {
		t.Fatal(err)
	}
	capture(t, w)
	w.Settle(t, 6)
	if b, ok := w.Images.Bytes[image]; !ok || len(b) != 0 {
		t.Fatal("the image has bytes or is not there", b, ok)
	}
	spec := novatest.Spec()
	spec.ImageID = image
	again, err := w.C.CreateServers(me, spec)
	if err != nil {
		t.Fatal(err)
	}
	w.Settle(t, 6)
	if s := state(t, w, again[0].ID); s != "ACTIVE//running" || len(holds(t, w, again[0].ID)) != 1 || again[0].ImageID != "" {
		t.Fatal(s, holds(t, w, again[0].ID))
	}
	for _, r := range []string{rows[0].ID, again[0].ID} {
		if err := w.C.Delete(context.WithoutCancel(me), r, false); err != nil {
			t.Fatal(err)
		}
	}
	w.Settle(t, 6)
	nothing(t, w)
}
