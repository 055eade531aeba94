package sqldb

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// A hint is a word for other processes on the same database: that something which they
// may hold in memory has changed. It may be lost, and costs no transaction anything: a
// NOTIFY inside one has all commits of the database wait for one another.

// hints are the words that wait to be sent, by channel.
type hints struct {
	mu      sync.Mutex
	waiting map[string]map[string]bool
	sending bool
}

const (
	gather  = 2 * time.Millisecond // words of so long go in one notice
	hintLen = 4000                 // bytes in a notice, of PostgreSQL's 8000
)

// Hint tells a word, which has no space in it, to all other processes that hear the
// channel. It returns at once. On SQLite there is nobody else.
func (d *DB) Hint(channel, word string) {
	if !d.pg {
		return
	}
	h := &d.hints
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[string]map[string]bool{}
	}
	if h.waiting[channel] == nil {
		h.waiting[channel] = map[string]bool{}
	}
	h.waiting[channel][word] = true
	if !h.sending {
		h.sending = true
		go d.sendHints()
	}
}

// sendHints sends what waits, until nothing does.
func (d *DB) sendHints() {
	for {
		time.Sleep(gather)
		d.hints.mu.Lock()
		all := d.hints.waiting
		d.hints.waiting, d.hints.sending = nil, len(all) > 0
		d.hints.mu.Unlock()
		if len(all) == 0 {
			return
		}
		for channel, words := range all {
			for _, text := range packed(slices.Sorted(maps.Keys(words))) {
				d.sendHint(channel, text)
			}
		}
	}
}

func (d *DB) sendHint(channel, text string) {
	ctx, cancel := context.WithTimeout(context.Background(), pulse)
	defer cancel()
	if _, err := d.read.ExecContext(ctx, "SELECT pg_notify(?, ?)", channel, d.mark+" "+text); err != nil {
		slog.Warn("other control planes are not told of a change", "channel", channel, "cause", err)
	}
}

// packed joins words to texts that fit in a notice.
func packed(words []string) (texts []string) {
	for _, w := range words {
		if last := len(texts) - 1; last >= 0 && len(texts[last])+1+len(w) <= hintLen {
			texts[last] += " " + w
		} else {
			texts = append(texts, w)
		}
	}
	return texts
}

// Hear calls heard for every word that another process tells on the channel, and missed
// when words may have been, until the context ends. On SQLite it only waits.
func (d *DB) Hear(ctx context.Context, channel string, heard func(word string), missed func()) {
	for d.pg && ctx.Err() == nil {
		err := d.hear(ctx, channel, heard, missed)
		if ctx.Err() == nil {
			slog.Warn("what other control planes change is not heard", "channel", channel, "cause", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pulse):
		}
	}
	<-ctx.Done()
}

func (d *DB) hear(ctx context.Context, channel string, heard func(string), missed func()) error {
	return d.lend(ctx, func(pg *pgx.Conn) error {
		if _, err := pg.Exec(ctx, fmt.Sprintf(`LISTEN "%s"`, channel)); err != nil {
			return err
		}
		defer quit(ctx, pg)
		missed()
		for {
			if err := hearOne(ctx, pg, d.mark, heard); err != nil {
				return err
			}
		}
	})
}

// hearOne hears one notice, unless it is our own; when none comes for a while it sees whether the connection lives.
func hearOne(ctx context.Context, pg *pgx.Conn, own string, heard func(string)) error {
	wait, cancel := context.WithTimeout(ctx, 5*pulse)
	defer cancel()
	n, err := pg.WaitForNotification(wait)
	if err != nil && wait.Err() != nil && ctx.Err() == nil {
		return bounded(ctx, pg, "SELECT 1")
	}
	if err != nil {
		return err
	}
	from, text, _ := strings.Cut(n.Payload, " ")
	if from != own {
		for _, w := range strings.Fields(text) {
			heard(w)
		}
	}
	return nil
}
