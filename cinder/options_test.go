package cinder

import (
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	o, err := Options{}.Filled()
	if err != nil || len(o.Backends) != 1 || o.Backends[0].Name != "files" || o.Backends[0].Label != "files" || o.Backends[0].Target != "none" {
		t.Fatalf("%+v %v", o, err)
	}
	o, err = Options{Backends: []BackendOptions{{Name: "a", Kind: "lvm", Label: "fast"}, {Name: "b", Kind: "rbd"}}}.Filled()
	if err != nil || o.Backends[0].Group != "cinder-volumes" || o.Backends[0].Target != "iscsi" || o.Backends[0].Label != "fast" || o.Backends[1].Place() != "volumes" {
		t.Fatalf("%+v %v", o, err)
	}
	for want, b := range map[string]BackendOptions{
		"a name of its own":    {Name: "a@b", Kind: "file"},
		"kind":                 {Name: "a", Kind: "nfs"},
		"target_address":       {Name: "a", Kind: "lvm", Address: "0.0.0.0:3260"},
		"an address of":        {Name: "a", Kind: "lvm", Address: "[::]:3260"},
		"names of LVM's":       {Name: "a", Kind: "lvm", Group: "-x"},
		"iscsi or none":        {Name: "a", Kind: "file", Target: "nfs"},
		"are reached by iscsi": {Name: "a", Kind: "lvm", Target: "none"},
	} {
		if _, err := (Options{Backends: []BackendOptions{b}}).Filled(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", b, err)
		}
	}
	if _, err := (Options{Backends: []BackendOptions{{Name: "a", Kind: "file"}, {Name: "a", Kind: "rbd"}}}).Filled(); err == nil {
		t.Error("two have one name")
	}
}
