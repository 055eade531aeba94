package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMappingIsShown(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	run := func(args ...string) (string, error) {
		c, out := mappingCommand(), &bytes.Buffer{}
		c.SetArgs(append([]string{"test"}, args...))
		c.SetOut(out)
		c.SilenceUsage, c.SilenceErrors = true, true
		err := c.Execute()
		return out.String(), err
	}
	list := `[{"local":[{"user":{"name":"{0}"},"groups":"{1}","domain":{"name":"D"}}],"remote":[{"type":"X_MAIL"},{"type":"X_GROUPS"}]}]`
	rules, whole := file("list.json", list), file("whole.json", `{"schema_version":"2.0","rules":`+list+`}`)
	jo := file("jo", "X_MAIL: jo@acme.example\n\n X_GROUPS : a;b\n")
	out, err := run("--rules", rules, "--input", jo)
	want := `{
  "user": {
    "name": "jo@acme.example",
    "type": "ephemeral"
  },
  "group_ids": [],
  "group_names": [
    {
      "name": "a",
      "domain": {
        "name": "D"
      }
    },
    {
      "name": "b",
      "domain": {
        "name": "D"
      }
    }
  ],
  "projects": []
}
`
	if err != nil || out != want {
		t.Error(out, err)
	}
	if out, err := run("--rules", whole, "--input", jo); err != nil || !strings.Contains(out, `"name": "D"`) {
		t.Error(out, err)
	}
	for says, args := range map[string][]string{
		"Could not map any":   {"--rules", rules, "--input", file("nobody", "X_MAIL: x\n")},
		"line 1":              {"--rules", rules, "--input", file("bad", "no colon\n")},
		"no such file":        {"--rules", rules, "--input", filepath.Join(dir, "nosuch")},
		"is no JSON":          {"--rules", file("bad.json", "{"), "--input", jo},
		"has no rules":        {"--rules", file("empty.json", "{}"), "--input", jo},
		"is too short":        {"--rules", file("short.json", "[]"), "--input", jo},
		"schema version":      {"--rules", rules, "--input", jo, "--mapping-schema-version", "7"},
		"required flag(s)":    {"--rules", rules},
		"to identity values.": {"--rules", rules, "--input", jo, "--prefix", "Y_"},
	} {
		if out, err := run(args...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %q %v", says, out, err)
		}
	}
}
