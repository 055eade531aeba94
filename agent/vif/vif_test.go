package vif

import (
	"encoding/json"
	"maps"
	"testing"
)

func TestParsePlug(t *testing.T) {
	for name, c := range map[string]struct {
		row  string
		want plug
	}{
		"plugged":     {`["tapc0ffee00-aa",["map",[["iface-id","p"],["vm-id","s"]]],7]`, plug{"tapc0ffee00-aa", map[string]string{"iface-id": "p", "vm-id": "s"}, true}},
		"dead":        {`["tapx",["map",[["iface-id","p"]]],-1]`, plug{"tapx", map[string]string{"iface-id": "p"}, false}},
		"not yet":     {`["tapx",["map",[["iface-id","p"]]],["set",[]]]`, plug{"tapx", map[string]string{"iface-id": "p"}, false}},
		"without ids": {`["br-int",["map",[]],65534]`, plug{"br-int", map[string]string{}, true}},
	} {
		var row []json.RawMessage
		if err := json.Unmarshal([]byte(c.row), &row); err != nil {
			t.Fatal(err)
		}
		got, err := parsePlug(row)
		if err != nil || got.name != c.want.name || got.live != c.want.live || !maps.Equal(got.ids, c.want.ids) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := parsePlug(nil); err == nil {
		t.Error("an empty row is taken")
	}
}

func TestNames(t *testing.T) {
	const id = "c0ffee00-aaaa-4f0e-9a55-7f3f8f3b0011"
	for _, name := range []string{TapName(id), veth(id)} {
		if len(name) > 15 {
			t.Errorf("%s is longer than the kernel takes", name)
		}
	}
	if got := (&Switch{Prefix: "cloud"}).Space(id); got != "cloud-md-c0ffee00-aa" {
		t.Error(got)
	}
}
