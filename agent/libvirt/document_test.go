package libvirt

import (
	"strings"
	"testing"

	"stackd/agent"
	"stackd/agent/wish"
	"stackd/internal/converge"
)

// moving is a guest as its host has it, and as the host it comes to would.
func moving(t *testing.T) (document string, to Platform, s agent.Spec) {
	t.Helper()
	name := func(id string) string { return "tap" + id[:4] }
	from := Platform{Owner: "/a", Accel: "tcg", VNCDir: "/run/a/vnc", Emulator: "/usr/bin/qemu-system-x86_64", TapName: name}
	to = Platform{Owner: "/b", Accel: "tcg", VNCDir: "/run/b/vnc", TapName: name}
	s = agent.Spec{Server: wish.Server{ID: "84f3f8a8-e822-4a99-9734-8293d0921cfe", Name: "instance-00000001", MemoryMB: 64, VCPUs: 1,
		Ports:   []wish.Port{{ID: "c9f1d2e4-4406-4e30-9127-5b637ace1b52", MAC: "fa:16:3e:00:00:01"}},
		Volumes: []wish.Disk{{VolumeID: "641c65eb-8e5e-42f6-9240-39d4fd11f55f", Kind: "iscsi", Source: map[string]string{"host": "192.0.2.1", "port": "3260", "target": "iqn.x:v", "lun": "1", "username": "u", "password": "p"}}}},
		Files: []agent.File{{Role: "root", Path: "/a/disk", Format: "qcow2"}, {Role: "config", Path: "/a/disk.config", Format: "raw"}}, Console: "/a/console.log"}
	text, err := from.Domain(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Files = []agent.File{{Role: "root", Path: "/b/disk.m7", Format: "qcow2"}, {Role: "config", Path: "/b/disk.config.m7", Format: "raw"}}
	s.Console, s.Mark.DisksOf = "/b/console.log", 7
	return string(text), to, s
}

// A guest that comes has this host's files, sockets and mark, and its own devices.
func TestLandingDocument(t *testing.T) {
	document, to, s := moving(t)
	document = strings.Replace(document, "<target dev=\"vda\"", "<backingStore type=\"file\"><format type=\"raw\"></format><source file=\"/a/base\"></source></backingStore><address type=\"pci\" bus=\"0x03\"></address><target dev=\"vda\"", 1)
	got, err := to.landing(s, document)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`file="/b/disk.m7"`, `file="/b/disk.config.m7"`, `file="/b/console.log"`, `socket="/run/b/vnc/`, `owner="/b"`, `disks_of="7"`, `bus="0x03"`, "iqn.x:v/1", "<emulator>/usr/bin/qemu-system-x86_64<"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "/a/") || strings.Contains(got, "backingStore") {
		t.Error("it has something of the other host:", got)
	}
	if again, err := to.landing(s, got); err != nil || again != got {
		t.Error("a second time it is another:", err)
	}
}

// What another host may not have this one run, or open.
func TestLandingDocumentRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"an argument of QEMU's": {"</domain>", `<qemu:commandline><qemu:arg value="-hda"></qemu:arg></qemu:commandline></domain>`},
		"a host's device":       {"</devices>", `<hostdev mode="subsystem"></hostdev></devices>`},
		"a file system":         {"</devices>", `<filesystem type="mount"><source dir="/"></source></filesystem></devices>`},
		"another file":          {"</devices>", `<disk type="file" device="disk"><source file="/etc/shadow"></source><target dev="vdz"></target></disk></devices>`},
		"a device of the host":  {"</devices>", `<disk type="block" device="disk"><source dev="/dev/sda"></source><target dev="vda"></target></disk></devices>`},
		"another volume":        {"iqn.x:v/1", "iqn.x:other/1"},
		"another host's volume": {"192.0.2.1", "192.0.2.2"},
		"another guest":         {"84f3f8a8", "94f3f8a8"},
		"another name":          {"instance-00000001", "instance-00000002"},
		"another NIC":           {`dev="tapc9f1"`, `dev="tapeeee"`},
		"a NIC on a bridge":     {`<interface type="ethernet"`, `<interface type="bridge"`},
		"a serial line to TCP":  {`<serial type="pty"`, `<serial type="tcp"`},
		"another emulator":      {"/usr/bin/qemu-system-x86_64", "/tmp/qemu-system-x86_64"},
		"a way around that":     {"/usr/bin/qemu-system-x86_64", "/usr/../tmp/qemu-system-x86_64"},
		"a kernel":              {"<smbios", "<kernel>/etc/shadow</kernel><smbios"},
		"random bytes from":     {"/dev/urandom", "/dev/sda"},
		"nothing whole":         {"</domain>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			document, to, s := moving(t)
			if !strings.Contains(document, change[0]) {
				t.Fatal("there is no", change[0])
			}
			if got, err := to.landing(s, strings.Replace(document, change[0], change[1], 1)); !converge.IsFinal(err) {
				t.Error(err, got)
			}
		})
	}
}
