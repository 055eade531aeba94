package libvirt

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackd/agent"
	"stackd/agent/wish"
	"stackd/internal/converge"
)

var update = flag.Bool("update", false, "write testdata instead of comparing with it")

const serverID = "7b1f7c52-1f1e-4f0e-9a55-7f3f8f3b0001"

func plainSpec() agent.Spec {
	return agent.Spec{
		Server: wish.Server{
			ID: serverID, Name: "instance-0000001a", DisplayName: "wèb <1>\x01", VCPUs: 2, MemoryMB: 512,
			Image: &wish.Image{ID: "i"},
			Ports: []wish.Port{{ID: "c0ffee00-aaaa-4f0e-9a55-7f3f8f3b0011", MAC: "fa:16:3e:00:00:11", MTU: 1442}},
		},
		Mark:    agent.Mark{Generation: 3, SoftReboots: 1},
		Files:   []agent.File{{Role: "root", Path: "/d/disk", Format: "qcow2"}},
		Console: "/d/console.log",
	}
}

func richSpec() agent.Spec {
	s := plainSpec()
	s.Machine = "pc"
	s.Files = append(s.Files, agent.File{Role: "kernel", Path: "/d/kernel", Format: "raw"}, agent.File{Role: "ramdisk", Path: "/d/ramdisk", Format: "raw"})
	s.Ports = append(s.Ports, wish.Port{ID: "c0ffee00-bbbb-4f0e-9a55-7f3f8f3b0012", MAC: "fa:16:3e:00:00:12"})
	s.Files = append(s.Files, agent.File{Role: "ephemeral", Path: "/d/disk.eph0", Format: "raw"}, agent.File{Role: "swap", Path: "/d/disk.swap", Format: "raw"}, agent.File{Role: "config", Path: "/d/disk.config", Format: "raw"})
	s.Volumes = []wish.Disk{
		{VolumeID: "00000000-0000-4000-8000-000000000001", Kind: "file", Source: map[string]string{"path": "/v/1", "format": "qcow2"}, Shareable: true},
		{VolumeID: "00000000-0000-4000-8000-000000000002", Kind: "nbd", Source: map[string]string{"socket": "/v/nbd.sock", "export": "v2"}, ReadOnly: true},
		{VolumeID: "00000000-0000-4000-8000-000000000003", Kind: "nbd", Source: map[string]string{"host": "192.0.2.3", "port": "10810", "export": "v3"}},
		{VolumeID: "00000000-0000-4000-8000-000000000004", Kind: "iscsi", Source: map[string]string{"host": "192.0.2.4", "target": "iqn.2010-10.org.openstack:v4", "lun": "0", "username": "u", "password": "p"}},
		{VolumeID: "00000000-0000-4000-8000-000000000005", Kind: "rbd", Source: map[string]string{"name": "volumes/v5", "hosts": "192.0.2.5:6789,192.0.2.6", "username": "cinder", "password": "a2V5"}},
	}
	return s
}

func fromVolume() agent.Spec {
	s := plainSpec()
	s.Image, s.Files = nil, nil
	s.Volumes = []wish.Disk{{VolumeID: "00000000-0000-4000-8000-000000000001", Kind: "file", Source: map[string]string{"path": "/v/1"}, Boot: true}}
	return s
}

// rescued is a guest that starts from another disk, with its own as the next.
func rescued() agent.Spec {
	s := plainSpec()
	s.Rescue = &wish.Image{ID: "r"}
	s.Files = []agent.File{{Role: "rescue", Path: "/d/disk.rescue1", Format: "qcow2"}, {Role: "root", Path: "/d/disk.r2", Format: "qcow2"}}
	s.Mark.Rebuilds = 2
	return s
}

func TestDomain(t *testing.T) {
	tap := func(id string) string { return "tap" + id[:11] }
	tcg := Platform{Owner: "/var/lib/stackd", Accel: "tcg", Netdev: true, VNCDir: "/run/stackd-stackd/vnc", TapName: tap}
	kvm := Platform{Owner: "/var/lib/stackd", Accel: "kvm", VNCDir: "/run/stackd-stackd/vnc", TapName: tap, Emulator: "/usr/bin/qemu-system-x86_64", Cache: "writeback"}
	for name, c := range map[string]struct {
		on   Platform
		spec agent.Spec
	}{
		"plain-tcg":       {tcg, plainSpec()},
		"rich-kvm":        {kvm, richSpec()},
		"from-volume-tcg": {tcg, fromVolume()},
		"rescued-tcg":     {tcg, rescued()},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.on.Domain(c.spec)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".xml")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestUnknownVolumeKindIsFinal(t *testing.T) {
	s := plainSpec()
	s.Volumes = []wish.Disk{{VolumeID: "v", Kind: "tape"}}
	if _, err := (Platform{TapName: func(s string) string { return s }}).Domain(s); !converge.IsFinal(err) {
		t.Errorf("%v; want a final error", err)
	}
}

func TestDeviceName(t *testing.T) {
	for n, want := range map[int]string{0: "vda", 25: "vdz", 26: "vdaa", 27: "vdab", 701: "vdzz", 702: "vdaaa"} {
		if got := deviceName(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestLastLines(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"a\nb\nc\n", 2, "b\nc\n"}, {"a\nb\nc", 2, "b\nc"}, {"a\nb\n", 9, "a\nb\n"}, {"a\nb\n", -1, "a\nb\n"}, {"", 3, ""}, {"a\nb\n", 0, ""},
	} {
		if got := lastLines([]byte(c.text), c.n); got != c.want {
			t.Errorf("%d lines of %q: %q, want %q", c.n, c.text, got, c.want)
		}
	}
}
