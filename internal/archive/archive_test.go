package archive

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func made(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var sources []Source
	for name, text := range map[string]string{"key": "secret", "deep/er/file": strings.Repeat("text ", 10000)} {
		path := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, Source{name, path})
	}
	file := filepath.Join(dir, "archive")
	if _, err := Write(file, Manifest{What: "test", MadeAt: time.Now()}, sources); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestThereAndBack(t *testing.T) {
	file := made(t)
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatal(st, err)
	}
	m, err := Check(file)
	if err != nil || len(m.Parts) != 2 || m.What != "test" {
		t.Fatal(m, err)
	}
	to := t.TempDir()
	if err := Extract(file, to); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(to, "key"))
	st, _ := os.Stat(filepath.Join(to, "key"))
	if err != nil || string(b) != "secret" || st.Mode().Perm() != 0o640 {
		t.Error(string(b), err, st.Mode())
	}
	if b, err := os.ReadFile(filepath.Join(to, "deep/er/file")); err != nil || len(b) != 50000 {
		t.Error(len(b), err)
	}
	if err := Extract(file, to); err == nil {
		t.Error("what is there was written over")
	}
}

// Whatever byte is changed, and wherever it ends, it is known, unless the byte means nothing.
func TestDamage(t *testing.T) {
	file := made(t)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	is, err := Check(file)
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for i := 10; i < len(good); i += 7 { // the first ten say when and by whom it was packed
		bad := append([]byte{}, good...)
		bad[i] ^= 0x10
		for _, b := range [][]byte{bad, good[:i]} {
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := Check(file)
			if err == nil && !reflect.DeepEqual(m, is) {
				t.Fatal("not known: byte", i)
			}
			if err != nil {
				known++
			}
		}
	}
	if all := (len(good) - 10) / 7 * 2; known < all*9/10 {
		t.Errorf("%d of %d are known", known, all)
	}
}

func TestNothingOutsideTheFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "archive")
	inner := filepath.Join(dir, "x")
	if err := os.WriteFile(inner, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../x", "/etc/x", "a/../../x"} {
		if _, err := Write(file, Manifest{}, []Source{{name, inner}}); err != nil {
			t.Fatal(err)
		}
		if _, err := Check(file); err == nil {
			t.Error(name, "is taken")
		}
		if err := Extract(file, filepath.Join(dir, "to")); err == nil {
			t.Error(name, "is written")
		}
	}
	if _, err := Write(file, Manifest{}, []Source{{"gone", filepath.Join(dir, "gone")}}); err == nil {
		t.Error("a file that is not there is taken")
	}
}
