package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type sample struct {
	Identity struct {
		Life  time.Duration `yaml:"token_life"`
		Names []string      `yaml:"names"`
	} `yaml:"identity"`
}

func TestParse(t *testing.T) {
	var s sample
	if err := Parse("x.yaml", []byte("identity:\n  token_life: 30m\n  names: [a, b]\n"), &s); err != nil {
		t.Fatal(err)
	}
	if s.Identity.Life != 30*time.Minute || len(s.Identity.Names) != 2 {
		t.Errorf("%+v", s)
	}
	if err := Read(filepath.Join(t.TempDir(), "none.yaml"), &s); err != nil || s.Identity.Life != 30*time.Minute {
		t.Error("a missing file:", err, s)
	}
	if err := Parse("x.yaml", nil, &s); err != nil {
		t.Error("an empty file:", err)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"identity:\n  token_lief: 1h\n":      "line 2: field token_lief not found",
		"identity:\n  token_life: forever\n": "line 2",
		"identity: [":                        "x.yaml",
		"identity: {}\n---\nidentity: {}\n":  "more than one document",
	} {
		if err := Parse("x.yaml", []byte(text), new(sample)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
