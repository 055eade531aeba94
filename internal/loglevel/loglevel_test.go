package loglevel_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"stackd/internal/loglevel"
)

func TestLevels(t *testing.T) {
	var out bytes.Buffer
	levels := &loglevel.Levels{}
	log := slog.New(levels.Over(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}), map[string]string{"volume": "cinder.api"}))
	says := func(want string) {
		t.Helper()
		out.Reset()
		log.Debug("d")
		log.Info("i")
		log.With("x", 1).Warn("w")
		log.Info("s", "service", "volume")
		got := ""
		for line := range strings.Lines(out.String()) {
			_, msg, _ := strings.Cut(line, "msg=")
			got += msg[:1]
		}
		if got != want {
			t.Errorf("it logs %q, want %q", got, want)
		}
	}
	says("iws")
	levels.Set("internal", slog.LevelDebug) // this test's package is internal.loglevel_test
	says("diws")
	levels.Set("internal.loglevel_test", slog.LevelError)
	says("s")
	levels.Set("cinder", slog.LevelWarn)
	says("")
	if levels.Of("cinder.api") != slog.LevelWarn || levels.Of("nova.work") != slog.LevelInfo || levels.Of("internal.rest") != slog.LevelDebug {
		t.Error(levels.Of("cinder.api"), levels.Of("nova.work"), levels.Of("internal.rest"))
	}
}
