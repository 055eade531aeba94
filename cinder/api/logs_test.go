package api_test

import (
	"log/slog"
	"strings"
	"testing"

	"stackd/internal/loglevel"
)

func TestLogLevels(t *testing.T) {
	each(t, func(s *site) {
		const admin, get, set = "a/admin", "PUT /v3/os-services/get-log", "PUT /v3/os-services/set-log"
		s.call(admin, "3.32", get, `{}`, 501) // before anybody keeps a log
		levels := &loglevel.Levels{}
		s.S.Logged(levels)
		s.call("p/member", "3.32", get, `{}`, 403)
		s.call(admin, "3.31", get, `{}`, 404)
		all := func(body string) (out []map[string]any) {
			for _, x := range s.call(admin, "3.32", get, body, 200)["log_levels"].([]any) {
				out = append(out, x.(map[string]any))
			}
			return out
		}
		for _, body := range []string{`{}`, `{"binary":"*","server":null}`, `{"binary":""}`} {
			if got := all(body); len(got) != 5 { // the API, the scheduler, backups, two backends
				t.Errorf("%s: %v", body, got)
			}
		}
		if got := all(`{"binary":"cinder-volume","server":"stackd@two","prefix":"cinder.w"}`); len(got) != 1 || got[0]["host"] != "stackd@two" || len(got[0]["levels"].(map[string]any)) != 1 || at(got[0], "levels", "cinder.work") != "INFO" {
			t.Errorf("%v", got)
		}
		if got := all(`{"server":"nowhere"}`); len(got) != 0 {
			t.Errorf("%v", got)
		}
		s.call(admin, "3.32", get, `{"binary":"nova-compute"}`, 400)
		s.call(admin, "3.32", get, `{"level":"INFO"}`, 400)
		for _, body := range []string{`{}`, `{"level":null}`, `{"level":"LOUD"}`, `{"level":"INFO","binary":null}`} {
			if said := text(s.call(admin, "3.32", set, body, 400)); !strings.Contains(said, "level") && !strings.Contains(said, "binary") {
				t.Errorf("%s: %q names no field", body, said)
			}
		}
		s.call(admin, "3.32", set, `{"binary":"cinder-volume","prefix":"cinder.work","level":"debug"}`, 202)
		if levels.Of("cinder.work") != slog.LevelDebug || levels.Of("cinder.file") != slog.LevelInfo || levels.Of("cinder.api") != slog.LevelInfo {
			t.Error(levels.Of("cinder.work"), levels.Of("cinder.file"), levels.Of("cinder.api"))
		}
		s.call(admin, "3.32", set, `{"level":"ERROR"}`, 202)
		for _, l := range all(`{}`) {
			for name, level := range l["levels"].(map[string]any) {
				if level != "ERROR" {
					t.Errorf("%s of %s is at %v", name, l["binary"], level)
				}
			}
		}
	})
}
