package iscsi

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"stackd/cinder"
	"stackd/cinder/backendtest"
	"stackd/cinder/file"
)

// exported are files exported by a daemon of the test's own.
func exported(t *testing.T) *Exported {
	t.Helper()
	if _, err := exec.LookPath("tgtd"); err != nil {
		t.Fatal("tgtd is not installed: hack/packages test")
	}
	dir, err := os.MkdirTemp("", "tgt") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	b, err := file.New(filepath.Join(dir, "v"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	x, err := Over(b, Options{Address: address, Dir: filepath.Join(dir, "t"), Key: []byte("a key")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Stop(x.o.Dir); err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	return x
}

func (x *Exported) exportedAt(volume string) (bool, error) {
	all, err := x.d.targets(context.Background())
	for name := range all {
		if strings.HasPrefix(name, prefix+volume+".") {
			return true, err
		}
	}
	return false, err
}

func TestContract(t *testing.T) {
	x := exported(t)
	backendtest.Run(t, backendtest.Rig{Backend: x, Only: []string{"connections", "names"}, Exported: x.exportedAt,
		Reach: func(_ string, s map[string]string, n int) ([]byte, error) {
			return backendtest.ReadISCSI(t.TempDir(), s, n)
		}})
}

// volume is one whose first bytes are known, and a holder's way to it.
func volume(t *testing.T, x *Exported, holder string) (id string, source map[string]string) {
	t.Helper()
	id = uuid.NewString()
	if err := x.Create(t.Context(), id, 1, cinder.Source{}); err != nil {
		t.Fatal(err)
	}
	d, err := x.Edit(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.WriteAt([]byte("known"), 0); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	_, source, err = x.Connect(t.Context(), id, holder)
	if err != nil {
		t.Fatal(err)
	}
	source["password"], _ = x.Secret(t.Context(), id, holder)
	return id, source
}

func reads(t *testing.T, source map[string]string) bool {
	t.Helper()
	got, err := backendtest.ReadISCSI(t.TempDir(), source, 65536)
	return err == nil && bytes.HasPrefix(got, []byte("known"))
}

// Nobody gets in but by the holder's own account, and what it was made at is the one
// address there is.
func TestOthersStayOut(t *testing.T) {
	x := exported(t)
	id, a := volume(t, x, "a")
	_, b, err := x.Connect(t.Context(), id, "b")
	if err != nil {
		t.Fatal(err)
	}
	b["password"], _ = x.Secret(t.Context(), id, "b")
	if !reads(t, a) || !reads(t, b) {
		t.Fatal("holders do not get in")
	}
	for name, change := range map[string]func(map[string]string){
		"another password": func(s map[string]string) { s["password"] = "AAAAAAAAAAAAAAAA" },
		"another account":  func(s map[string]string) { s["username"], s["password"] = b["username"], b["password"] },
	} {
		s := map[string]string{}
		for k, v := range a {
			s[k] = v
		}
		change(s)
		if reads(t, s) {
			t.Errorf("%s gets in", name)
		}
	}
	if out, err := exec.Command("qemu-img", "info", "--image-opts", "driver=iscsi,transport=tcp,portal="+x.o.Address+",target="+a["target"]+",lun=1").CombinedOutput(); err == nil {
		t.Errorf("nobody gets in: %s", out)
	}
	if err := x.Disconnect(t.Context(), id, "a"); err != nil {
		t.Fatal(err)
	}
	if reads(t, a) || !reads(t, b) {
		t.Error("one ended, and the other was")
	}
}

// What the daemon forgot is made again from what should be, and is not touched after.
func TestKeep(t *testing.T) {
	x := exported(t)
	id, a := volume(t, x, "a")
	if err := Stop(x.o.Dir); err != nil {
		t.Fatal(err)
	}
	if reads(t, a) {
		t.Fatal("the daemon goes on")
	}
	for want := 1; want >= 0; want-- {
		again, err := x.Keep(t.Context(), map[string]string{"a": id})
		if err != nil || len(again) != want || !reads(t, a) {
			t.Fatal(again, err)
		}
	}
}

// A client sees that a volume has grown, also when who grew it was cut off.
func TestGrown(t *testing.T) {
	x := exported(t)
	id, a := volume(t, x, "a")
	size := func() string {
		key := filepath.Join(t.TempDir(), "key")
		os.WriteFile(key, []byte(a["password"]), 0o600)
		out, err := exec.Command("qemu-img", "info", "--object", "secret,id=k,file="+key, "--image-opts",
			"driver=iscsi,transport=tcp,password-secret=k,portal="+x.o.Address+",target="+a["target"]+",lun=1,user="+a["username"]).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if err := x.Extend(t.Context(), id, 2); err != nil {
		t.Fatal(err)
	}
	if got := size(); !strings.Contains(got, "(2147483648 bytes)") {
		t.Error(got)
	}
	if err := x.Backend.Extend(t.Context(), id, 12); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Keep(t.Context(), map[string]string{"a": id}); err != nil {
		t.Fatal(err)
	}
	if got := size(); !strings.Contains(got, "(12884901888 bytes)") {
		t.Error(got)
	}
}
