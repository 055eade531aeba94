package rbd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stackd/glance/backendtest"
)

// cluster puts a program rbd first in PATH that keeps images in a folder, and ends as
// Ceph's does: 2 where there is no image, 22 where a snapshot is not protected, 16
// where an image has snapshots.
func cluster(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := `#!/bin/sh
d=` + dir + `
while [ "$1" = --id ] || [ "$1" = --conf ]; do echo "$1 $2" >> $d/as; shift 2; done
verb=$1; shift
[ "$verb" = snap ] && { verb="snap $1"; shift; }
while [ "${1#--}" != "$1" ]; do case $1 in --image-format|--format) shift 2;; *) shift;; esac; done
name() { echo "$d/$(echo "$1" | tr / .)"; }
image=$(name "${1%@snap}"); snap=$image@snap
case $verb in
import) t=$(name "$2"); [ -e "$t" ] && exit 17; : > "$t"; cat >> "$t" ;;
export) [ -e "$snap" ] || exit 2; cat "$image" ;;
info) case $1 in *@snap) [ -e "$snap" ] || exit 2 ;; esac; [ -e "$image" ] || exit 2; echo "{\"size\": $(stat -c %s "$image")}" ;;
rename) t=$(name "$2"); [ -e "$t" ] && exit 17; mv "$image" "$t" ;;
"snap create") [ -e "$image" ] || exit 2; : > "$snap" ;;
"snap protect") [ -e "$snap" ] || exit 2; echo protected > "$snap" ;;
"snap unprotect") [ -e "$snap" ] || exit 2; [ -s "$snap" ] || exit 22; [ -e "$image.children" ] && exit 16; : > "$snap" ;;
"snap rm") [ -e "$snap" ] || exit 2; [ -s "$snap" ] && exit 16; rm "$snap" ;;
children) [ -e "$snap" ] || exit 2; if [ -e "$image.children" ]; then echo '[{"image":"x"}]'; else echo '[]'; fi ;;
rm) [ -e "$image" ] || exit 2; [ -e "$snap" ] && exit 39; rm "$image" ;;
*) echo "what is $verb?" >&2; exit 1 ;;
esac
`
	for name, text := range map[string]string{"rbd": script, "ceph": "#!/bin/sh\necho 1234\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

func TestPool(t *testing.T) {
	dir := cluster(t)
	p := New(Options{Pool: "images", User: "glance", Conf: "/etc/x"})
	backendtest.Contract(t, p, 0, 1, 1_000_000)
	left, err := filepath.Glob(dir + "/images.*")
	if err != nil || len(left) > 0 {
		t.Error("left over:", left, err)
	}
	as, err := os.ReadFile(dir + "/as")
	if err != nil || !strings.Contains(string(as), "--id glance") || !strings.Contains(string(as), "--conf /etc/x") {
		t.Error(string(as), err)
	}
	if got := p.URL("x"); got != "rbd://1234/images/x/snap" {
		t.Error(got)
	}
}

// An image that something was cloned from stays, and it is told.
func TestInUse(t *testing.T) {
	dir := cluster(t)
	p := New(Options{Pool: "images"})
	w, err := p.Create(t.Context(), "x", -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if used, err := p.InUse(t.Context(), "x"); used || err != nil {
		t.Error(used, err)
	}
	if err := os.WriteFile(dir+"/images.x.children", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if used, err := p.InUse(t.Context(), "x"); !used || err != nil {
		t.Error(used, err)
	}
	if err := p.Delete(t.Context(), "x"); err == nil {
		t.Error("it was deleted under its clones")
	}
	if used, err := p.InUse(context.Background(), "none"); used || err != nil {
		t.Error(used, err)
	}
}
