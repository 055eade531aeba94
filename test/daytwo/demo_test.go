package daytwo

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"stackd/internal/client"
)

// The demo project is made once, with the password that was given; its user signs in.
func TestDemo(t *testing.T) {
	c := newCloud(t, "1")
	t.Setenv("STACKD_DEMO_PASSWORD", "it's known")
	var d struct {
		Project     string
		Credentials string
		Public      string `json:"public_network"`
	}
	c.json(&d, "demo", "--range", "198.51.100.0/24", "--pool", "198.51.100.50-198.51.100.60")
	if _, err := os.Stat(d.Credentials); err != nil || d.Credentials != filepath.Join(c.Data, "keystonerc_demo") {
		t.Error(d, err)
	}
	user, err := client.SignIn(t.Context(), http.DefaultClient, client.Login{URL: "http://" + c.Listen + ":5000/v3", User: "demo", Password: "it's known", Project: "demo"})
	if err != nil || user.ProjectID != d.Project {
		t.Fatal(err, user)
	}
	var out struct {
		Subnets []struct {
			CIDR    string
			Gateway string                        `json:"gateway_ip"`
			Pools   []struct{ Start, End string } `json:"allocation_pools"`
		}
	}
	c.do("GET", "network", "/subnets?network_id="+d.Public, nil, &out)
	if len(out.Subnets) != 1 || out.Subnets[0].CIDR != "198.51.100.0/24" || out.Subnets[0].Gateway != "198.51.100.1" || out.Subnets[0].Pools[0].Start != "198.51.100.50" {
		t.Errorf("%+v", out)
	}
	was := d
	if c.json(&d, "demo", "--range", "198.51.100.0/24"); d != was {
		t.Errorf("made again: %+v", d)
	}
	if out, err := c.run("demo", "--range", "10.0.0.0/30"); err == nil {
		t.Error(out)
	}
}
