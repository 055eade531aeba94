package api

import (
	"stackd/cinder"
	"stackd/internal/rest"
)

type whichLogs struct {
	Binary string  `json:"binary"`
	Server *string `json:"server"`
	Prefix *string `json:"prefix"`
}

func (w whichLogs) query() cinder.LogQuery {
	return cinder.LogQuery{Binary: w.Binary, Server: text(w.Server), Prefix: text(w.Prefix)}
}

type logView struct {
	Host   string            `wire:"host"`
	Binary string            `wire:"binary"`
	Levels map[string]string `wire:"levels"`
}

func (s *service) getLog(c *rest.Call, in whichLogs) (any, error) {
	all, err := s.c.LogLevels(c.Context(), in.query())
	out := []logView{}
	for _, l := range all {
		out = append(out, logView{l.Host, l.Binary, l.Levels})
	}
	return map[string]any{"log_levels": out}, err
}

func (s *service) setLog(c *rest.Call, in struct {
	whichLogs
	Level *string `json:"level"`
}) error {
	return s.c.SetLogLevels(c.Context(), in.query(), text(in.Level))
}
