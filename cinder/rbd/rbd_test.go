//go:build e2e

package rbd_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stackd/cinder"
	"stackd/cinder/backendtest"
	"stackd/cinder/rbd"
	"stackd/internal/ceph"
)

// open opens the pool volumes of the cluster whose configuration is in a folder.
func open(dir string) (cinder.Backend, error) { return pool(dir, "volumes") }

func pool(dir, name string) (*rbd.Pool, error) {
	cluster := ceph.Cluster{User: "cinder", Conf: filepath.Join(dir, "ceph.conf")}
	return rbd.New(rbd.Options{Cluster: cluster, Pool: name, Dir: filepath.Join(dir, "stackd")})
}

func TestMain(m *testing.M) {
	backendtest.Child(open)
	os.Exit(m.Run())
}

// cluster is the folder of a cluster that test/backends/ceph has started.
func cluster(t *testing.T) string {
	dir := os.Getenv("STACKD_TEST_CEPH")
	if dir == "" {
		t.Fatal("STACKD_TEST_CEPH names no cluster; make e2e TEST=backends makes one")
	}
	return dir
}

func TestContract(t *testing.T) {
	dir := cluster(t)
	b, err := pool(dir, "volumes")
	small, err2 := pool(dir, "small")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	steps, _ := strconv.Atoi(os.Getenv("STACKD_TEST_STEPS"))
	backendtest.Run(t, backendtest.Rig{
		Backend: b, Spec: dir, Steps: steps, Full: small,
		Litter:  func() []string { return litter(t, b, dir) },
		Foreign: func(name string, content []byte) error { return foreign(b, name, content) },
		Reach:   func(_ string, source map[string]string, n int) ([]byte, error) { return reach(t.TempDir(), source, n) },
	})
}

func list(b *rbd.Pool, into any, args ...string) error {
	return b.JSON(context.Background(), into, "rbd", append(args, "--pool=volumes")...)
}

// litter is every image but foreign ones, in the trash too, and every file.
func litter(t *testing.T, b *rbd.Pool, dir string) (left []string) {
	if err := b.Tidy(t.Context()); err != nil {
		t.Error(err)
	}
	var images []string
	var trash []struct{ ID, Name string }
	if err := errors.Join(list(b, &images, "ls"), list(b, &trash, "trash", "ls", "--all")); err != nil {
		t.Error(err)
	}
	for _, i := range images {
		if !strings.HasPrefix(i, "foreign-") {
			left = append(left, i)
		}
	}
	for _, i := range trash {
		left = append(left, "trash "+i.Name)
	}
	entries, _ := os.ReadDir(filepath.Join(dir, "stackd"))
	for _, e := range entries {
		if e.Name() != ".lock" {
			left = append(left, e.Name())
		}
	}
	return left
}

func foreign(b *rbd.Pool, name string, content []byte) error {
	f, err := os.CreateTemp("", "foreign")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err = errors.Join(err, f.Truncate(1<<30+512), f.Close()); err != nil {
		return err
	}
	return b.Command(context.Background(), "rbd", "import", "--no-progress", f.Name(), "volumes/"+name).Run()
}

// reach reads as a guest's QEMU does, by the addresses and the key alone.
func reach(dir string, source map[string]string, n int) ([]byte, error) {
	key, out := filepath.Join(dir, "key"), filepath.Join(dir, "out")
	if err := os.WriteFile(key, []byte(source["password"]), 0o600); err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(source["hosts"], ":")
	poolName, image, _ := strings.Cut(source["name"], "/")
	node := "driver=rbd,conf=/dev/null,auth-client-required.0=cephx,key-secret=k,pool=" + poolName + ",image=" + image + ",user=" + source["username"] + ",server.0.host=" + host + ",server.0.port=" + port
	cmd := exec.Command("qemu-img", "dd", "-U", "--object", "secret,format=base64,id=k,file="+key, "--image-opts", "if="+node, "of="+out, "bs=65536", "count="+strconv.Itoa(n/65536))
	if says, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(err, errors.New(string(says)))
	}
	return os.ReadFile(out)
}
