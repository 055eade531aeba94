package work_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/nova"
	"stackd/nova/novatest"
)

// holds are the volumes of a server by id, with their statuses.
func holds(t *testing.T, w *novatest.World, id string) map[string]string {
	t.Helper()
	all, err := w.C.HoldsOf(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, h := range all[id] {
		out[h.VolumeID] = h.Status
	}
	return out
}

func TestAttachAndDetach(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w := novatest.New(t, db)
		me := novatest.As(t.Context(), "p", "member")
		id := create(t, w).ID
		w.Settle(t, 6)
		w.Disks.Add("v", false)
		h, err := w.C.AttachVolume(me, id, nova.AttachSpec{VolumeID: "v"})
		if err != nil || h.Device != "/dev/vdb" {
			t.Fatal(h, err)
		}
		if got := holds(t, w, id)["v"]; got != nova.HoldReserved {
			t.Fatal("at once:", got)
		}
		if _, err := w.C.AttachVolume(me, id, nova.AttachSpec{VolumeID: "v"}); !fault.Is(err, fault.Invalid) {
			t.Fatal("attached twice:", err)
		}
		w.Settle(t, 6)
		if got := holds(t, w, id)["v"]; got != nova.HoldAttached || !slices.Equal(w.Node.Guests[id].Volumes, []string{"v"}) {
			t.Fatal(got, w.Node.Guests[id].Volumes)
		}
		if err := w.C.DetachVolume(me, id, "v", false); err != nil {
			t.Fatal(err)
		}
		if got := holds(t, w, id)["v"]; got != nova.HoldDetaching {
			t.Fatal("at once:", got)
		}
		w.Settle(t, 6)
		if len(holds(t, w, id)) != 0 || len(w.Node.Guests[id].Volumes) != 0 {
			t.Fatal("still there", holds(t, w, id), w.Node.Guests[id].Volumes)
		}
		if err := w.C.DetachVolume(me, id, "v", false); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
	})
}

// A guest that does not let go keeps the volume in the end, and says so.
func TestAGuestThatKeepsItsVolume(t *testing.T) {
	w := novatest.New(t, dbtest.SQLite(t))
	me := novatest.As(t.Context(), "p", "member")
	id := create(t, w).ID
	w.Disks.Add("v", false)
	w.Settle(t, 6)
	if _, err := w.C.AttachVolume(me, id, nova.AttachSpec{VolumeID: "v"}); err != nil {
		t.Fatal(err)
	}
	w.Settle(t, 6)
	if err := w.C.DetachVolume(me, id, "v", false); err != nil {
		t.Fatal(err)
	}
	s, err := w.C.Server(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s.UpdatedAt = w.C.Now().Add(-3 * time.Minute)
	if err := w.C.Tx(t.Context(), func(ctx context.Context) error { return w.C.UpdateServer(ctx, s, "updated_at") }); err != nil {
		t.Fatal(err)
	}
	w.Work.Reconcile(t.Context(), id) // the node has done nothing
	if got := holds(t, w, id)["v"]; got != nova.HoldAttached {
		t.Fatal(got)
	}
	w.Settle(t, 6)
	if got := holds(t, w, id)["v"]; got != nova.HoldAttached || state(t, w, id) != "ACTIVE//running" {
		t.Fatal(got, state(t, w, id))
	}
}

func bootFromImage(del bool) nova.ServerSpec {
	spec := novatest.Spec()
	spec.ImageID = ""
	spec.Devices = []nova.BlockDevice{{Source: "image", Destination: "volume", UUID: novatest.ImageID, BootIndex: 0, Size: 1, DeleteOnTermination: del}}
	return spec
}

func TestBootFromAVolume(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w := novatest.New(t, db)
		me := novatest.As(t.Context(), "p", "member")
		w.Disks.Making = "creating"
		rows, err := w.C.CreateServers(me, bootFromImage(true))
		if err != nil {
			t.Fatal(err)
		}
		id := rows[0].ID
		w.Settle(t, 6)
		if s := state(t, w, id); s != "BUILD/block_device_mapping/" || len(w.Node.Guests) != 0 {
			t.Fatal("before the volume is made:", s)
		}
		w.Disks.Set("made-1", "available")
		w.Settle(t, 6)
		if s := state(t, w, id); s != "ACTIVE//running" || holds(t, w, id)["made-1"] != nova.HoldAttached {
			t.Fatal(s, holds(t, w, id))
		}
		if err := w.C.DetachVolume(me, id, "made-1", false); !fault.Is(err, fault.Invalid) {
			t.Fatal("its root was taken away:", err)
		}
		if err := w.C.Delete(me, id, false); err != nil {
			t.Fatal(err)
		}
		w.Settle(t, 6)
		nothing(t, w)
		if len(w.Disks.Holds) != 0 || len(w.Disks.All) != 0 {
			t.Fatal("left over", w.Disks.Holds, w.Disks.All)
		}
	})
}

// A volume that cannot be made fails the build, and all is given back.
func TestAVolumeThatIsNotMade(t *testing.T) {
	w := novatest.New(t, dbtest.SQLite(t))
	w.Disks.Making = "error"
	rows, err := w.C.CreateServers(novatest.As(t.Context(), "p", "member"), bootFromImage(false))
	if err != nil {
		t.Fatal(err)
	}
	w.Settle(t, 6)
	s, err := w.C.Server(t.Context(), rows[0].ID)
	if err != nil || s.Status() != "ERROR" || s.Fault == nil {
		t.Fatal(s, err)
	}
	nothing(t, w)
	if len(w.Disks.Holds) != 0 {
		t.Fatal("still held", w.Disks.Holds)
	}
}

// What is asked of disks in vain is refused, and nothing is made.
func TestDisksThatCannotBe(t *testing.T) {
	w := novatest.New(t, dbtest.SQLite(t))
	w.Disks.Add("plain", false)
	w.Disks.Add("boots", true)
	for name, change := range map[string]func(*nova.ServerSpec){
		"not bootable": func(s *nova.ServerSpec) { s.Devices[0].Source, s.Devices[0].UUID = "volume", "plain" },
		"not there":    func(s *nova.ServerSpec) { s.Devices[0].Source, s.Devices[0].UUID = "volume", "none" },
		"no size":      func(s *nova.ServerSpec) { s.Devices[0].Size = 0 },
		"no first":     func(s *nova.ServerSpec) { s.Devices[0].BootIndex = 1 },
		"two firsts":   func(s *nova.ServerSpec) { s.ImageID = novatest.ImageID },
		"blank root":   func(s *nova.ServerSpec) { s.Devices[0].Source = "blank" },
		"one for two": func(s *nova.ServerSpec) {
			s.Devices[0].Source, s.Devices[0].UUID, s.Max = "volume", "boots", 2
		},
	} {
		spec := bootFromImage(false)
		change(&spec)
		if _, err := w.C.CreateServers(novatest.As(t.Context(), "p", "member"), spec); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.Disks.Holds) != 0 || len(w.Disks.All) != 2 {
		t.Fatal("something was made", w.Disks.Holds, w.Disks.All)
	}
}

// A guest is given an encrypted volume with its key or not at all.
func TestOSSA_2018_001(t *testing.T) {
	for _, there := range []bool{false, true} {
		w := novatest.New(t, dbtest.New(t))
		id := create(t, w).ID
		w.Settle(t, 6)
		w.Disks.Add("v", false)
		if there {
			w.Disks.Keys = map[string]string{"v": "secret"}
		}
		if _, err := w.C.AttachVolume(novatest.As(t.Context(), "p", "member"), id, nova.AttachSpec{VolumeID: "v"}); err != nil {
			t.Fatal(err)
		}
		for n, h := range w.Disks.Holds {
			h.Encrypted = true
			w.Disks.Holds[n] = h
		}
		w.Settle(t, 6)
		if got := w.Node.Guests[id].Volumes; slices.Equal(got, []string{"v"}) != there {
			t.Errorf("the guest has %v, the key is there: %v", got, there)
		}
	}
}
