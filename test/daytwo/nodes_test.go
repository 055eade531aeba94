package daytwo

import (
	"testing"
	"time"
)

// A host whose service was deleted comes back with its next report, and takes servers.
func TestADeletedHostComesBack(t *testing.T) {
	c := newCloud(t, "1")
	c.Header = map[string]string{"OpenStack-API-Version": "compute 2.53"}
	services := func() (ids []string) {
		var out struct{ Services []struct{ ID, State string } }
		c.do("GET", "compute", "/os-services?binary=nova-compute", nil, &out)
		for _, s := range out.Services {
			if s.State == "up" {
				ids = append(ids, s.ID)
			}
		}
		return ids
	}
	was := services()
	if len(was) != 1 {
		t.Fatal(was)
	}
	c.do("DELETE", "compute", "/os-services/"+was[0], nil, nil)
	for end := time.Now().Add(30 * time.Second); len(services()) == 0; time.Sleep(time.Second) {
		if time.Now().After(end) {
			t.Fatal("it does not come back")
		}
	}
	c.Header = nil
	c.server("s")
}

// nodesUp is how many nodes have reported lately.
func (c *cloud) nodesUp() (up int) {
	var out struct{ Services []struct{ State string } }
	c.do("GET", "compute", "/os-services?binary=nova-compute", nil, &out)
	for _, s := range out.Services {
		if s.State == "up" {
			up++
		}
	}
	return up
}
