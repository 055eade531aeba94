package converge

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A Loop works the things that are due. The rows are the queue: Due reads it,
// Work does one thing's next pass and writes back when it is due again. Wake
// says that there may be work; it may be lost, as the loop also sweeps.
type Loop struct {
	Name    string
	Due     func(ctx context.Context, limit int) ([]string, error) // ids, most urgent first
	Work    func(ctx context.Context, id string) error             // never called twice at once for an id
	Workers int                                                    // 0 is 8
	Sweep   time.Duration                                          // 0 is 1 s

	once sync.Once
	wake chan struct{}
}

func (l *Loop) init() { l.once.Do(func() { l.wake = make(chan struct{}, 1) }) }

// Wake makes the loop look at once. It never blocks.
func (l *Loop) Wake() {
	l.init()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run works until the context ends, then waits for the passes under way.
func (l *Loop) Run(ctx context.Context) {
	l.init()
	workers := l.Workers
	if workers == 0 {
		workers = 8
	}
	sweep := l.Sweep
	if sweep == 0 {
		sweep = time.Second
	}
	b := &busy{ids: map[string]bool{}, slots: make(chan struct{}, workers)}
	defer b.wg.Wait()
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		l.pass(ctx, b, workers)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-l.wake:
		}
	}
}

type busy struct {
	mu    sync.Mutex
	ids   map[string]bool
	slots chan struct{}
	wg    sync.WaitGroup
}

func (b *busy) claim(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ids[id] {
		return false
	}
	b.ids[id] = true
	return true
}

func (b *busy) release(id string) {
	b.mu.Lock()
	delete(b.ids, id)
	b.mu.Unlock()
}

func (l *Loop) pass(ctx context.Context, b *busy, workers int) {
	ids, err := l.Due(ctx, 4*workers)
	if err != nil {
		if ctx.Err() == nil {
			slog.Error("cannot read what is due", "loop", l.Name, "err", err)
		}
		return
	}
	for _, id := range ids {
		if !b.claim(id) {
			continue
		}
		select {
		case b.slots <- struct{}{}:
		case <-ctx.Done():
			b.release(id)
			return
		}
		b.wg.Go(func() {
			defer func() { <-b.slots; b.release(id); l.Wake() }()
			if err := l.Work(ctx, id); err != nil && ctx.Err() == nil {
				slog.Error("pass failed", "loop", l.Name, "id", id, "err", err)
			}
		})
	}
}

// Backoff is how long to wait before try n+1: 0.5 s doubling to a minute.
func Backoff(tries int) time.Duration {
	return min(500*time.Millisecond<<min(tries, 7), time.Minute)
}
