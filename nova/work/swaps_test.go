package work_test

import (
	"context"
	"slices"
	"testing"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/nova"
	"stackd/nova/novatest"
)

// swapping is a server that has the volume "old", and one "new" that is free.
func swapping(t *testing.T, db *sqldb.DB) (w *novatest.World, me context.Context, id string) {
	t.Helper()
	w = novatest.New(t, db)
	me = novatest.As(t.Context(), "p", "member")
	id = create(t, w).ID
	w.Disks.Add("old", false)
	w.Disks.Add("new", false)
	w.Settle(t, 6)
	if _, err := w.C.AttachVolume(me, id, nova.AttachSpec{VolumeID: "old", DeleteOnTermination: true}); err != nil {
		t.Fatal(err)
	}
	w.Settle(t, 6)
	return w, me, id
}

// has says what a server is seen to have, and what block storage says of both volumes.
func has(t *testing.T, w *novatest.World, id, volume string) {
	t.Helper()
	all, err := w.C.HoldsOf(t.Context(), id)
	if err != nil || len(all[id]) != 1 {
		t.Fatal(all, err)
	}
	h := all[id][0]
	if h.VolumeID != volume || h.Status != nova.HoldAttached || h.Device != "/dev/vdb" || !h.DeleteOnTermination || h.Swap != nil || len(w.Disks.Holds) != 1 {
		t.Errorf("the server has %+v; all holds: %v", h, w.Disks.Holds)
	}
	if g := w.Node.Guests[id]; !slices.Equal(g.Volumes, []string{volume}) {
		t.Errorf("the guest has %v", g.Volumes)
	}
}

func TestSwapVolume(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w, me, id := swapping(t, db)
		if err := w.C.SwapVolume(me, id, "old", "new"); err != nil {
			t.Fatal(err)
		}
		w.Node.Copying = "under way"
		w.Settle(t, 6)
		if got := holds(t, w, id); len(got) != 1 || got["old"] != nova.HoldDetaching {
			t.Fatal("on the way:", got)
		}
		if err := w.C.DetachVolume(me, id, "old", false); !fault.Is(err, fault.Invalid) {
			t.Fatal("detached on the way:", err)
		}
		if err := w.C.SwapVolume(me, id, "old", "new"); !fault.Is(err, fault.Invalid) {
			t.Fatal("swapped twice:", err)
		}
		if a := actions(t, w, id); a[0].Action != "swap_volume" || a[0].Result != nil {
			t.Fatal(a[0])
		}
		w.Node.Copying = ""
		w.Settle(t, 6)
		has(t, w, id, "new")
		if a := actions(t, w, id); a[0].Result == nil || *a[0].Result != "Success" {
			t.Fatal(a[0])
		}
	})
}

// What cannot be copied, or loses its guest on the way, ends with the server as it was;
// what came in at the last instant is not taken back.
func TestSwapThatComesToNothing(t *testing.T) {
	for name, spoil := range map[string]func(w *novatest.World, me context.Context, id string) error{
		"the copy fails":     func(w *novatest.World, _ context.Context, _ string) error { w.Node.Copying = "no room"; return nil },
		"the server stops":   func(w *novatest.World, me context.Context, id string) error { return w.C.Stop(me, id) },
		"the guest goes off": func(w *novatest.World, _ context.Context, id string) error { return w.Node.Off(id) },
		"it is suspended":    func(w *novatest.World, me context.Context, id string) error { return w.C.Suspend(me, id) },
	} {
		t.Run(name, func(t *testing.T) {
			w, me, id := swapping(t, dbtest.SQLite(t))
			w.Node.Copying = "under way"
			if err := w.C.SwapVolume(me, id, "old", "new"); err != nil {
				t.Fatal(err)
			}
			w.Settle(t, 6)
			if err := spoil(w, me, id); err != nil {
				t.Fatal(err)
			}
			w.Settle(t, 8)
			has(t, w, id, "old")
			if a := actions(t, w, id); !slices.ContainsFunc(a, func(a *nova.ServerAction) bool {
				return a.Action == "swap_volume" && a.Result != nil && *a.Result == "Error"
			}) {
				t.Errorf("%+v", a[0])
			}
		})
	}
}

// A guest that went over just when the swap was given up stays where it is.
func TestSwapThatWasFaster(t *testing.T) {
	w, me, id := swapping(t, dbtest.SQLite(t))
	w.Node.Copying = "no room"
	if err := w.C.SwapVolume(me, id, "old", "new"); err != nil {
		t.Fatal(err)
	}
	w.Settle(t, 2) // given up, and the node does not know it yet
	swaps, err := w.C.Swaps(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	g := w.Node.Guests[id]
	for _, s := range swaps {
		g.Copied = []string{s.ID}
	}
	w.Node.Guests[id] = g
	w.Settle(t, 6)
	has(t, w, id, "new")
}

func TestSwapIsRefused(t *testing.T) {
	w, me, id := swapping(t, dbtest.SQLite(t))
	w.Disks.Add("small", false)
	w.Disks.Add("busy", false)
	w.Disks.All["old"] = nova.VolumeFacts{ID: "old", Size: 2, Status: "in-use"}
	w.Disks.Holds["h"] = nova.Hold{ID: "h", VolumeID: "busy", ServerID: "another"}
	for volumes, kind := range map[[2]string]fault.Kind{{"old", "small"}: fault.Invalid, {"old", "busy"}: fault.Invalid, {"old", "none"}: fault.Invalid, {"none", "new"}: fault.NotFound, {"small", "new"}: fault.Invalid} {
		if err := w.C.SwapVolume(me, id, volumes[0], volumes[1]); !fault.Is(err, kind) {
			t.Errorf("%v: %v", volumes, err)
		}
	}
	if err := w.C.Stop(me, id); err != nil {
		t.Fatal(err)
	}
	delete(w.Disks.Holds, "h")
	w.Settle(t, 6)
	if err := w.C.SwapVolume(me, id, "old", "new"); !fault.Is(err, fault.Conflict) {
		t.Error("of a server that is off:", err)
	}
	has(t, w, id, "old")
}

// A server that is deleted gives both volumes back; which of them goes with it is the one
// that its guest had.
func TestDeleteWhileSwapping(t *testing.T) {
	for copying, goes := range map[string]string{"under way": "old", "": "new"} {
		w, me, id := swapping(t, dbtest.SQLite(t))
		w.Node.Copying = copying
		if err := w.C.SwapVolume(me, id, "old", "new"); err != nil {
			t.Fatal(err)
		}
		w.Settle(t, 1)
		w.Node.Pass(t)
		if err := w.C.Delete(me, id, false); err != nil {
			t.Fatal(err)
		}
		w.Settle(t, 6)
		if _, still := w.Disks.All[goes]; still || len(w.Disks.All) != 1 || len(w.Disks.Holds) != 0 {
			t.Errorf("%q: volumes %v, holds %v", copying, w.Disks.All, w.Disks.Holds)
		}
		if swaps, err := w.C.Swaps(t.Context(), id); err != nil || len(swaps) > 0 {
			t.Error(swaps, err)
		}
	}
}

// A volume that moves keeps its hold, which then says where it is.
func TestMoveVolume(t *testing.T) {
	w, _, id := swapping(t, dbtest.SQLite(t))
	move := func() error {
		return w.C.Tx(t.Context(), func(ctx context.Context) error {
			return w.C.MoveVolume(ctx, id, "old", map[string]any{"path": "elsewhere"})
		})
	}
	w.Node.Copying = "no room"
	if err := move(); err != nil {
		t.Fatal(err)
	}
	if on, err := w.C.Moving(t.Context(), id, "old"); err != nil || !on {
		t.Fatal(on, err)
	}
	w.Settle(t, 6)
	if on, err := w.C.Moving(t.Context(), id, "old"); err != nil || on {
		t.Fatal(on, err)
	}
	w.Node.Copying = ""
	if err := move(); err != nil {
		t.Fatal(err)
	}
	w.Settle(t, 6)
	has(t, w, id, "old")
	h, err := w.C.Hold(t.Context(), id, "old")
	if err != nil || h.Disk.Place() != (wish.Disk{Kind: "file", Source: map[string]string{"path": "elsewhere"}}).Place() {
		t.Error(h, err)
	}
}
