package personas

import (
	"fmt"
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
