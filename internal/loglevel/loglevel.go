package loglevel

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
)

// Levels are the levels of a program's log. The zero Levels are all Info.
type Levels struct {
	mu     sync.RWMutex
	by     map[string]slog.Level
	lowest slog.Level
}

// Of is the level of a logger.
func (l *Levels) Of(name string) slog.Level {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for {
		if v, ok := l.by[name]; ok {
			return v
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return slog.LevelInfo
		}
		name = name[:i]
	}
}

// Set gives a logger, and those below it that have none of their own, a level.
func (l *Levels) Set(name string, level slog.Level) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]slog.Level{}
	}
	l.by[name] = level
	l.lowest = slog.LevelInfo
	for _, v := range l.by {
		l.lowest = min(l.lowest, v)
	}
}

func (l *Levels) floor() (level slog.Level, set bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.lowest, len(l.by) > 0
}

// Over is a handler that gives h what its logger's level lets through. h itself must let
// everything through. What a package logs for several services, with the attribute
// "service", is of the logger that services says.
func (l *Levels) Over(h slog.Handler, services map[string]string) slog.Handler {
	return handler{h, l, services}
}

type handler struct {
	slog.Handler
	levels   *Levels
	services map[string]string
}

func (h handler) Enabled(_ context.Context, level slog.Level) bool {
	lowest, _ := h.levels.floor()
	return level >= lowest
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if _, set := h.levels.floor(); set && r.Level < h.levels.Of(h.logger(r)) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(as []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(as)
	return h
}

func (h handler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}

// logger is the name of who logs a record.
func (h handler) logger(r slog.Record) (name string) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "service" {
			name = h.services[a.Value.String()]
		}
		return name == ""
	})
	if name != "" {
		return name
	}
	f, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
	dir := strings.LastIndexByte(f.Function, '/') + 1
	at, _, _ := strings.Cut(f.Function[dir:], ".")
	_, path, _ := strings.Cut(f.Function[:dir]+at, "/") // without the module's name
	return strings.ReplaceAll(path, "/", ".")
}
