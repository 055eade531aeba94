package rbd

import (
	"context"
	"fmt"
	"sync"
	"time"

	"stackd/cinder"
	"stackd/internal/converge"
)

// A pool with so many GiB is not asked again as long as its capacity is remembered.
const plenty = 16

// How old what a pool says of its room may be, and how often it is asked again before
// it is believed to have none: what was deleted just now is counted still.
const (
	roomAge  = 4 * time.Second
	roomAsks = 4
)

// A room is what may be written yet. Ceph has writers to a full pool wait until somebody
// makes room; a copy that would be one of them ends instead, and gives what it took back.
type room struct {
	ask  func() (int64, error) // bytes that the pool takes
	mu   sync.Mutex
	left int64
}

// take takes room for so many bytes. The error of a pool that has none is ErrFull.
func (r *room) take(n int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for try := 0; r.left < int64(n); try++ {
		if try == roomAsks {
			return converge.Final{Err: fmt.Errorf("%w: %d bytes more would fill the pool", cinder.ErrFull, n)}
		}
		if try > 0 {
			time.Sleep(roomAge)
		}
		var err error
		if r.left, err = r.ask(); err != nil {
			return err
		}
	}
	r.left -= int64(n)
	return nil
}

// free is the room of the pool in bytes, asked for now, or a part of it where there is
// plenty.
func (p *Pool) free() (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, lately, err := p.Capacity(ctx); err == nil && lately > plenty {
		return plenty / 4 * cinder.GiB, nil
	}
	now, err := p.capacity(ctx)
	return int64(now[1] * cinder.GiB), err
}

// WriteAt writes where there is room.
func (d *disk) WriteAt(b []byte, off int64) (int, error) {
	if err := d.room.take(len(b)); err != nil {
		return 0, err
	}
	return d.Conn.WriteAt(b, off)
}
