package daemon

import (
	"net/netip"
	"testing"
)

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no directory":  {},
		"capital name":  {DataDir: "/x", Name: "Cloud"},
		"name too long": {DataDir: "/x", Name: "a12345678901234567890123456789012"},
		"gateway of v6": {DataDir: "/x", Gateway: netip.MustParsePrefix("fd00::1/64")},
	} {
		if _, err := o.withDefaults(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	o, err := Options{DataDir: "/x"}.withDefaults()
	if err != nil || o.Name != "stackd" || o.Netns != "stackd" || o.Gateway.String() != "172.24.4.1/24" || o.Bridge != "br-ex" {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestLinkName(t *testing.T) {
	for name, want := range map[string]string{"stackd": "v-stackd", "exactly-13-chr": ""} {
		got := linkName("v-", name)
		if len(got) > 15 || want != "" && got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if linkName("v-", "a-rather-long-name-1") == linkName("v-", "a-rather-long-name-2") {
		t.Error("two long names share a link")
	}
}

// A node makes no database of those that are elsewhere.
func TestSchemas(t *testing.T) {
	for role, want := range map[string]int{"": 3, Central: 2, Gateway: 3, Chassis: 1} {
		h := &Host{Options: Options{Role: role}}
		if all := h.schemas(); len(all) != want || role == Chassis && all["conf"] == "" {
			t.Errorf("%q: %v", role, all)
		}
	}
}
