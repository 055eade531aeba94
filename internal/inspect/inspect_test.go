package inspect

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const size = 32 << 20

// qemuImg makes a real image; a test without qemu-img would prove nothing.
func qemuImg(t testing.TB, format string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "image")
	create := append([]string{"create", "-q", "-f", format}, args...)
	cmd := exec.Command("qemu-img", append(create, file, "32M")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("qemu-img %v: %v\n%s", create, err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// backed is an overlay of another file.
func backed(t testing.TB, format string) []byte {
	t.Helper()
	dir := t.TempDir()
	run := func(args ...string) {
		if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
			t.Fatalf("qemu-img %v: %v\n%s", args, err, out)
		}
	}
	base, top := filepath.Join(dir, "base"), filepath.Join(dir, "top")
	run("create", "-q", "-f", format, base, "32M")
	run("create", "-q", "-f", format, "-b", base, "-F", format, top)
	data, err := os.ReadFile(top)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func patched(data []byte, at int, with ...byte) []byte {
	data = bytes.Clone(data)
	copy(data[at:], with)
	return data
}

func iso() []byte {
	data := make([]byte, 40<<10)
	copy(data[32768:], "\x01CD001\x01")
	return data
}

func gpt() []byte {
	data := make([]byte, 64<<10)
	data[510], data[511] = 0x55, 0xaa
	copy(data[512:], "EFI PART")
	return data
}

func inspect(claimed string, data []byte, chunk int) (Result, error) {
	i := New(claimed)
	_, err := io.CopyBuffer(struct{ io.Writer }{i}, struct{ io.Reader }{bytes.NewReader(data)}, make([]byte, chunk))
	if err != nil {
		return Result{}, err
	}
	return i.Result()
}

func TestAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		claimed string
		data    []byte
		size    int64
	}{
		"qcow2":           {"qcow2", qemuImg(t, "qcow2"), size},
		"qcow2 version 2": {"qcow2", qemuImg(t, "qcow2", "-o", "compat=0.10"), size},
		"qcow2 zstd":      {"qcow2", qemuImg(t, "qcow2", "-o", "compression_type=zstd"), size},
		"qcow2 L2":        {"qcow2", qemuImg(t, "qcow2", "-o", "extended_l2=on"), size},
		"vmdk sparse":     {"vmdk", qemuImg(t, "vmdk"), size},
		"vmdk stream":     {"vmdk", qemuImg(t, "vmdk", "-o", "subformat=streamOptimized"), size},
		"vhd dynamic":     {"vhd", qemuImg(t, "vpc", "-o", "force_size=on"), size},
		"vhd fixed":       {"vhd", qemuImg(t, "vpc", "-o", "subformat=fixed,force_size=on"), size},
		"vhdx":            {"vhdx", qemuImg(t, "vhdx"), size},
		"vdi":             {"vdi", qemuImg(t, "vdi"), size},
		"raw":             {"raw", qemuImg(t, "raw"), size},
		"raw with GPT":    {"raw", gpt(), 64 << 10},
		"raw, tiny":       {"raw", []byte("x"), 1},
		"raw, empty":      {"raw", nil, 0},
		"ami":             {"ami", make([]byte, 4096), 4096},
		"iso":             {"iso", iso(), 40 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunk := range []int{7, 512, 65536} {
				got, err := inspect(c.claimed, c.data, chunk)
				if err != nil || got.VirtualSize != c.size {
					t.Errorf("in chunks of %d: %+v, %v; want size %d", chunk, got, err, c.size)
				}
			}
			got, err := File(bytes.NewReader(c.data), int64(len(c.data)), c.claimed)
			if err != nil || got.VirtualSize != c.size {
				t.Errorf("as a file: %+v, %v; want size %d", got, err, c.size)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	qcow2, vmdk := qemuImg(t, "qcow2"), qemuImg(t, "vmdk")
	extension := binary.BigEndian.AppendUint32(nil, qcow2DataFileName)
	for name, c := range map[string]struct {
		claimed string
		data    []byte
		why     string
	}{
		"raw that is qcow2":         {"raw", qcow2, "the content is qcow2, not raw"},
		"raw that is vmdk":          {"raw", vmdk, "the content is vmdk, not raw"},
		"raw that is vdi":           {"raw", qemuImg(t, "vdi"), "the content is vdi, not raw"},
		"raw that is vhdx":          {"raw", qemuImg(t, "vhdx"), "the content is vhdx, not raw"},
		"raw that is vhd":           {"raw", qemuImg(t, "vpc"), "the content is vhd, not raw"},
		"raw that is qed":           {"raw", qemuImg(t, "qed"), "the content is qed, not raw"},
		"raw that is iso":           {"raw", iso(), "the content is iso, not raw"},
		"ami that is qcow2":         {"ami", qcow2, "the content is qcow2, not ami"},
		"qcow2 that is raw":         {"qcow2", make([]byte, 99999), "the content is raw, not qcow2"},
		"qcow2 that is empty":       {"qcow2", nil, "the content is raw, not qcow2"},
		"qcow2 cut short":           {"qcow2", qcow2[:80], "cut short"},
		"vhd that is raw":           {"vhd", make([]byte, 99999), "the content is raw, not vhd"},
		"iso that is raw":           {"iso", make([]byte, 99999), "the content is raw, not iso"},
		"format not known":          {"floppy", make([]byte, 99999), "the content is raw, not floppy"},
		"qcow2 with backing":        {"qcow2", backed(t, "qcow2"), "backing file"},
		"qcow2 with data file":      {"qcow2", qemuImg(t, "qcow2", "-o", "data_file=other"), "data file"},
		"qcow2 data file extension": {"qcow2", patched(qcow2, int(be.Uint32(qcow2[100:])), extension...), "data file"},
		"qcow2 unknown feature":     {"qcow2", patched(qcow2, 79, 0x20), "not known"},
		"qcow2 corrupt":             {"qcow2", patched(qcow2, 79, 2), "corrupt"},
		"qcow2 encrypted":           {"qcow2", patched(qcow2, 35, 2), "encrypted"},
		"vmdk with backing":         {"vmdk", backed(t, "vmdk"), "parent"},
		"vmdk flat":                 {"vmdk", qemuImg(t, "vmdk", "-o", "subformat=monolithicFlat"), "only a descriptor"},
		"vmdk in pieces":            {"vmdk", qemuImg(t, "vmdk", "-o", "subformat=twoGbMaxExtentSparse"), "only a descriptor"},
		"vmdk without size":         {"vmdk", patched(vmdk, 12, 0, 0, 0, 0, 0, 0, 0, 0), "no possible size"},
		"vmdk of another file":      {"vmdk", bytes.Replace(vmdk, []byte(`SPARSE "image"`), []byte(`SPARSE "/etc/x"`), 1), "another file"},
		"vmdk flat extent inside":   {"vmdk", bytes.Replace(vmdk, []byte(`SPARSE`), []byte(`FLAT  `), 1), "another file"},
		"vmdk of another type":      {"vmdk", bytes.Replace(vmdk, []byte(`monolithicSparse`), []byte(`monolithicFlat  `), 1), "not taken"},
		"vdi with parent":           {"vdi", patched(qemuImg(t, "vdi"), 76, 4), "parent"},
		"vhd with parent":           {"vhd", patched(qemuImg(t, "vpc"), 63, 4), "parent"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunk := range []int{7, 512, 65536} {
				_, err := inspect(c.claimed, c.data, chunk)
				if !IsRefused(err) || !strings.Contains(err.Error(), c.why) {
					t.Errorf("in chunks of %d: %v; want %q", chunk, err, c.why)
				}
			}
		})
	}
}

// A bad upload is cut off within its first sector.
func TestRefusesEarly(t *testing.T) {
	i := New("raw")
	if _, err := i.Write(qemuImg(t, "qcow2")[:512]); !IsRefused(err) || !IsRefused(i.Err()) {
		t.Errorf("after 512 bytes of qcow2 said to be raw: %v", err)
	}
}

// Whatever comes, and however it is cut, the inspector neither breaks nor keeps
// more than it said, and pieces give the same verdict as the whole.
func FuzzInspector(f *testing.F) {
	for _, format := range []string{"qcow2", "vmdk", "vpc", "vhdx", "vdi"} {
		data := qemuImg(f, format)
		f.Add(format, data[:min(len(data), 70<<10)], 100)
	}
	f.Add("iso", iso(), 1000)
	f.Fuzz(func(t *testing.T, claimed string, data []byte, chunk int) {
		if chunk < 1 || chunk > 1<<20 {
			chunk = 4096
		}
		whole, err1 := inspect(claimed, data, max(len(data), 1))
		parts, err2 := inspect(claimed, data, chunk)
		if (err1 == nil) != (err2 == nil) || err1 == nil && whole != parts {
			t.Errorf("as a whole %+v %v, in pieces %+v %v", whole, err1, parts, err2)
		}
		if err1 == nil && whole.VirtualSize < 0 {
			t.Errorf("negative size %d", whole.VirtualSize)
		}
	})
}
