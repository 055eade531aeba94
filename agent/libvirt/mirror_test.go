package libvirt

import (
	"encoding/xml"
	"testing"

	"stackd/agent"
	"stackd/agent/wish"
)

// A disk is known by the same place in a wish and in what libvirt makes of it, of every kind.
func TestPlaces(t *testing.T) {
	p := Platform{Accel: "tcg"}
	for _, v := range richSpec().Volumes {
		made, err := p.volume(v, "vdb")
		if err != nil {
			t.Fatal(err)
		}
		text, err := xml.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		var seen disk
		if err := xml.Unmarshal(text, &seen); err != nil {
			t.Fatal(err)
		}
		if got := placeOf(seen.Type, seen.Source); got != v.Place() || got == "" {
			t.Errorf("wished at %s, seen at %s", v.Place(), got)
		}
	}
	if a, b := (wish.Disk{Kind: "iscsi", Source: map[string]string{"host": "h", "target": "t"}}).Place(), (wish.Disk{Kind: "iscsi", Source: map[string]string{"host": "h", "target": "t", "port": "3260", "lun": "1"}}).Place(); a != b {
		t.Error("the same place by two names:", a, b)
	}
}

// What libvirt shows of a disk that is being copied (virDomainBlockCopy).
func TestSeenCopy(t *testing.T) {
	var seen disk
	err := xml.Unmarshal([]byte(`<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/v/old' index='3'/><backingStore/>
  <mirror type='network' job='copy' ready='yes'><format type='raw'/><source protocol='nbd' name='v3'><host name='192.0.2.3' port='10810'/></source></mirror>
  <target dev='vdb' bus='virtio'/><serial>00000000-0000-4000-8000-000000000001</serial><alias name='ua-00000000-0000-4000-8000-000000000001-2'/></disk>`), &seen)
	if err != nil {
		t.Fatal(err)
	}
	name, ours := ourAlias(seen.Alias)
	want := agent.Volume{ID: "00000000-0000-4000-8000-000000000001", Alias: "00000000-0000-4000-8000-000000000001-2", Place: "file:/v/old", Copy: "nbd:192.0.2.3:10810/v3", Ready: true}
	if got := volumeOf(name, seen); !ours || got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := freeAlias("x", []disk{{Alias: &alias{"ua-x"}}, {Alias: &alias{"ua-x-2"}}}); got != "x-3" {
		t.Error(got)
	}
}
