package rbd

import (
	"errors"
	"testing"

	"stackd/cinder"
)

func TestRoomIsTakenUntilThePoolIsFull(t *testing.T) {
	asked := 0
	r := &room{ask: func() (int64, error) { asked++; return 100, nil }}
	if err := errors.Join(r.take(60), r.take(40)); err != nil || asked != 1 || r.left != 0 {
		t.Error(err, asked, r.left)
	}
	down := errors.New("nobody answers")
	r.ask = func() (int64, error) { return 0, down }
	if err := r.take(1); !errors.Is(err, down) || errors.Is(err, cinder.ErrFull) {
		t.Error(err)
	}
}
