package api_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stackd/internal/sqldb/dbtest"
)

// made is a real image of qemu-img's.
func made(t *testing.T, format string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("qemu-img", append(append([]string{"create", "-q", "-f", format}, args...), "image", "4M")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "image"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// with puts something over a copy of an image.
func with(image []byte, at int, b []byte) []byte {
	out := append(bytes.Clone(image), make([]byte, max(0, at+len(b)-len(image)))...)
	copy(out[at:], b)
	return out
}

func liars(t *testing.T) map[string][2]string {
	qcow2, vmdk := made(t, "qcow2"), made(t, "vmdk")
	size := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	gpt := with(make([]byte, 64<<10), 510, append([]byte{0x55, 0xaa}, "EFI PART"...))
	iso := []byte("\x01CD001\x01")
	return map[string][2]string{
		"20 bytes of qcow2":             {"qcow2", string(with(qcow2[:20], 0, qcow2[:20]))},
		"a qcow2 of 8 EiB":              {"qcow2", string(with(qcow2, 24, size(1<<63)))},
		"a qcow2 of 4 EiB":              {"qcow2", string(with(qcow2, 24, size(1<<62)))},
		"a qcow2 of 2 PiB":              {"qcow2", string(with(qcow2, 24, size(2<<50)))},
		"qcow2 with a backing file":     {"qcow2", string(with(with(qcow2, 8, size(512)), 16, []byte{0, 0, 0, 11}))},
		"qcow2 with a data file":        {"qcow2", string(made(t, "qcow2", "-o", "data_file=other"))},
		"qcow2 as raw":                  {"raw", string(qcow2)},
		"qcow2 as iso":                  {"iso", string(qcow2)},
		"vmdk of a flat file":           {"vmdk", string(made(t, "vmdk", "-o", "subformat=monolithicFlat"))},
		"a descriptor of /etc/passwd":   {"vmdk", "# Disk DescriptorFile\nversion=1\ncreateType=\"monolithicFlat\"\nRW 8 FLAT \"/etc/passwd\" 0\n"},
		"a descriptor within":           {"vmdk", string(bytes.Replace(vmdk, []byte("monolithicSparse"), []byte("monolithicFlat  "), 1))},
		"vmdk as raw":                   {"raw", string(vmdk)},
		"iso as raw":                    {"raw", string(with(make([]byte, 64<<10), 32768, iso))},
		"gpt as iso":                    {"iso", string(gpt)},
		"gpt and iso as raw":            {"raw", string(with(gpt, 32768, iso))},
		"qcow2 and iso":                 {"qcow2", string(with(qcow2, 32768, iso))},
		"vmdk and iso":                  {"vmdk", string(with(vmdk, 32768, iso))},
		"qcow2 and iso, said to be iso": {"iso", string(with(qcow2, 32768, iso))},
	}
}

// An image that lies about itself is refused, and nothing of it stays: whole, and cut
// into pieces that hide where its marks are (OSSA-2024-003, OSSA-2015-014).
func TestImagesThatLie(t *testing.T) {
	s := openWith(t, dbtest.New(t), t.TempDir(), two("image_conversion"))
	for name, x := range liars(t) {
		for _, piece := range []int{1 << 20, 1000} {
			id := s.image("member@p1", `,"disk_format":"`+x[0]+`"`)
			r := httptest.NewRequest("PUT", "/v2/images/"+id+"/file", pieces{strings.NewReader(x[1]), piece})
			r.Header.Set("X-Auth-Token", "member@p1")
			r.Header.Set("Content-Type", "application/octet-stream")
			r.ContentLength = int64(len(x[1]))
			if w, _ := s.send(r); w.Code != 415 || s.status(id) != "queued" {
				t.Errorf("%s is uploaded: %d %s", name, w.Code, w.Body)
			}
		}
		// The same by import, where qemu-img would be next.
		id := s.image("member@p1", `,"disk_format":"`+x[0]+`"`)
		s.ask("member@p1", "PUT /v2/images/"+id+"/stage", x[1])
		s.bring("member@p1", id, `{"method":{"name":"glance-direct"},"all_stores":true}`)
		if task := s.task(id); s.status(id) != "queued" || !strings.Contains(fmt.Sprint(task["message"]), "refused") {
			t.Errorf("%s is imported: %v", name, task)
		}
	}
	if left := s.bytesLeft(); len(left) > 0 {
		t.Error(left)
	}
}

// pieces is a body that comes in small pieces.
type pieces struct {
	io.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }
