package answers

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	if len(Parameters) != 303 {
		t.Fatalf("%d parameters", len(Parameters))
	}
	for _, p := range Parameters {
		if p.Words == "" || !strings.HasPrefix(p.Flag, "--") && p.Flag != "" || p.Verdict != Honoured && p.Verdict != Mapped && p.Verdict != None {
			t.Errorf("%+v", p)
		}
		if d := p.Default; d != "" && d[0] != '@' && p.check(d) != nil {
			t.Errorf("%s: its default is refused: %v", p.Key, p.check(d))
		}
	}
}

// A file that was written reads back the same, and nobody else can read it.
func TestWriteAndRead(t *testing.T) {
	a := Answers{"CONFIG_DEFAULT_PASSWORD": "secret", "CONFIG_COMPUTE_HOSTS": "10.0.0.2, 10.0.0.3"}
	a.Fill(Facts{Address: "10.0.0.1", Hostname: "h"})
	name := filepath.Join(t.TempDir(), "answers")
	if err := a.WriteFile(name); err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Stat(name); st.Mode().Perm() != 0o600 {
		t.Error(st.Mode())
	}
	back, err := ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range Parameters {
		if a[p.Key] != back[p.Key] {
			t.Errorf("%s: %q became %q", p.Key, a[p.Key], back[p.Key])
		}
	}
	if back["CONFIG_KEYSTONE_ADMIN_PW"] != "secret" || back["CONFIG_CONTROLLER_HOST"] != "10.0.0.1" || len(back.List("CONFIG_COMPUTE_HOSTS")) != 2 {
		t.Error(back["CONFIG_KEYSTONE_ADMIN_PW"], back["CONFIG_CONTROLLER_HOST"])
	}
}

func TestEachGetsItsOwnPassword(t *testing.T) {
	a := Answers{}
	a.Fill(Facts{})
	if a["CONFIG_KEYSTONE_ADMIN_PW"] == a["CONFIG_KEYSTONE_DEMO_PW"] || len(a["CONFIG_KEYSTONE_DEMO_PW"]) != 16 {
		t.Error(a["CONFIG_KEYSTONE_ADMIN_PW"], a["CONFIG_KEYSTONE_DEMO_PW"])
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"CONFIG_X=1":                                                        "section [general] must come first",
		"[general]\nCONFIG_DEFAULT_PASWORD=x":                               "is CONFIG_DEFAULT_PASSWORD meant?",
		"[general]\nCONFIG_SWIFT_INSTALL=maybe":                             `CONFIG_SWIFT_INSTALL failed validation: "maybe" is none of y, n`,
		"[general]\nCONFIG_SWIFT_INSTALL":                                   "no KEY=value",
		"[general]\nCONFIG_SWIFT_INSTALL=y\nCONFIG_SWIFT_INSTALL=n":         "line 3: CONFIG_SWIFT_INSTALL is given twice",
		"[general]\n[other]":                                                "section [other] is not known",
		"[general]\nCONFIG_FOO=1\nCONFIG_SWIFT_INSTALL=2":                   "line 3",
		"[general]\nCONFIG_NTP_SERVERS=a\n# comment\n\nCONFIG_NTP_SERVER=b": "is CONFIG_NTP_SERVERS meant?",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The page is what the table says.
func TestPage(t *testing.T) {
	var b bytes.Buffer
	if err := Page(&b); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../docs/answer-file.md")
	if err != nil || !bytes.Equal(have, b.Bytes()) {
		t.Fatal("docs/answer-file.md is not what the table says: run make answer-file", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("[general]\nCONFIG_NTP_SERVERS=a,b\n")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Read(strings.NewReader(s))
		if err != nil {
			return
		}
		for k := range a {
			if _, ok := byKey[k]; !ok {
				t.Fatalf("%q was taken", k)
			}
		}
	})
}
