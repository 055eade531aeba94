package cinder

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"

	"stackd/internal/fault"
)

const apiBinary = "cinder-api"

// loggers are the names of those who log for each of the real service's programs.
var loggers = map[string][]string{
	apiBinary:          {"cinder.api"},
	"cinder-scheduler": {"cinder"},
	"cinder-volume":    {"cinder.file", "cinder.iscsi", "cinder.lvm", "cinder.raw", "cinder.rbd", "cinder.work"},
	"cinder-backup":    {"cinder.backup"},
}

var logLevels = map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARNING": slog.LevelWarn, "ERROR": slog.LevelError}

// A LogQuery chooses loggers: of a program, "" or "*" being all, of a host, and whose
// names begin so.
type LogQuery struct{ Binary, Server, Prefix string }

// A ServiceLog is what of a service's logging a query chose, by the loggers' names.
type ServiceLog struct {
	Host, Binary string
	Levels       map[string]string
}

// LogLevels are how much is logged.
func (s *Storage) LogLevels(ctx context.Context, q LogQuery) (out []ServiceLog, err error) {
	if s.logs == nil {
		return nil, errNoLogs()
	}
	all, err := s.logging(ctx, q)
	for _, p := range all {
		l := ServiceLog{p.Host, p.Binary, map[string]string{}}
		for _, name := range chosen(p.Binary, q.Prefix) {
			l.Levels[name] = levelName(s.logs.Of(name))
		}
		out = append(out, l)
	}
	return out, err
}

// SetLogLevels changes that, until the program ends. The services of one host are one
// program: a logger's level is the same on all of them.
func (s *Storage) SetLogLevels(ctx context.Context, q LogQuery, level string) error {
	l, ok := logLevels[strings.ToUpper(level)]
	if !ok {
		return badInput("%s is not a valid log level.", level)
	}
	if s.logs == nil {
		return errNoLogs()
	}
	all, err := s.logging(ctx, q)
	for _, p := range all {
		for _, name := range chosen(p.Binary, q.Prefix) {
			s.logs.Set(name, l)
		}
	}
	return err
}

func errNoLogs() error {
	return fault.New(fault.Unimplemented, "This cloud's log levels cannot be changed while it runs.")
}

// logging are the services a query chose, the API among them, which is nobody's row.
func (s *Storage) logging(ctx context.Context, q LogQuery) (out []Service, err error) {
	all, err := s.Services(ctx)
	if len(all) > 0 {
		host, _, _ := strings.Cut(all[0].Host, "@")
		all = append([]Service{{Host: host, Binary: apiBinary, Up: true}}, all...)
	}
	for _, p := range all {
		if p.Up && (q.Binary == "" || q.Binary == "*" || q.Binary == p.Binary) && p.Host == cmp.Or(q.Server, p.Host) {
			out = append(out, p)
		}
	}
	return out, err
}

func chosen(binary, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(loggers[binary]), func(name string) bool { return !strings.HasPrefix(name, prefix) })
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARNING"
	}
	return "ERROR"
}
