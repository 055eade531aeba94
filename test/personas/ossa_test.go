package personas

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A server is not made of another project's volume, snapshot or image, nor gets one; who
// tries learns no more than of one that is not there.
func TestOSSA_2013_001(t *testing.T) {
	w := newWorld(t)
	tried := 0
	as := w.named("member").token
	said := func(call, body string) (int, string) {
		out := w.send(t.Context(), "compute", as, call, body)
		return out.Code, out.Body.String()
	}
	for source, key := range map[string]string{"volume": "volume:spare", "snapshot": "volume:snapshots.id", "image": "image:images.id"} {
		theirs, nobodys := w.things[key][foreign], "7d5d9a0b-6a3a-4d8c-9c1e-0f6f1f5c2e11"
		if theirs == "" {
			t.Fatal("there is no foreign ", key)
		}
		var answers [3]string
		for n, id := range []string{theirs, nobodys, w.things[key][own]} {
			server := fmt.Sprintf(`{"server":{"name":"s","flavorRef":"%s","networks":"none","block_device_mapping_v2":[{"uuid":%q,"source_type":%q,"destination_type":"volume","boot_index":0,"volume_size":1}]}}`, w.things["compute:flavors.id"][own], id, source)
			status, text := said("POST /v2.1/servers", server)
			if n < 2 && status != 400 && status != 404 {
				t.Errorf("%s: %d %s", source, status, text)
			}
			answers[n] = strings.ReplaceAll(fmt.Sprint(status, text), id, "ID")
			tried++
		}
		if answers[0] != answers[1] {
			t.Errorf("another's %s is told from none:\n%s\n%s", source, answers[0], answers[1])
		}
		if answers[2] == answers[0] {
			t.Errorf("nor is one's own %s taken: %s", source, answers[2])
		}
	}
	at := "POST /v2.1/servers/" + w.things["compute:servers.id"][own] + "/os-volume_attachments"
	if status, text := said(at, fmt.Sprintf(`{"volumeAttachment":{"volumeId":%q}}`, w.things["volume:volumes.id"][foreign])); status != 404 {
		t.Errorf("attaching another's volume: %d %s", status, text)
	}
	if tried != 9 {
		t.Error("tried", tried)
	}
}

// A small image of a large disk, compressed or not, does not fill a host: the disk must fit
// the flavor's, or the volume, whatever the image's length (OSSA-2013-029 too).
func TestOSSA_2013_012(t *testing.T) {
	w := newWorld(t)
	as := w.named("member").token
	file := filepath.Join(t.TempDir(), "large")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", file, "2G").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	bytes, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	id := w.must("image", as, "POST /v2/images", `{"name":"large","disk_format":"qcow2","container_format":"bare"}`)
	w.must("image", as, "PUT /v2/images/"+id+"/file", string(bytes))
	server := fmt.Sprintf(`{"server":{"name":"s","flavorRef":%q,"networks":"none","imageRef":%q}}`, w.things["compute:flavors.id"][own], id)
	if out := w.send(t.Context(), "compute", as, "POST /v2.1/servers", server); out.Code != 400 || !strings.Contains(out.Body.String(), "too small") {
		t.Errorf("a server: %d %s", out.Code, out.Body)
	}
	if out := w.send(t.Context(), "volume", as, "POST /v3/volumes", fmt.Sprintf(`{"volume":{"size":1,"imageRef":%q}}`, id)); out.Code != 400 || !strings.Contains(out.Body.String(), "is larger than volume size") {
		t.Errorf("a volume: %d %s", out.Code, out.Body)
	}
}
