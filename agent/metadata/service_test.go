package metadata

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stackd/agent/wish"
)

func service() *Service {
	s := &Service{}
	s.know([]wish.Server{
		{ID: "one", Power: wish.Running, Ports: []wish.Port{{NetworkID: "red", MAC: "fa:16:3e:00:01:0b", Addresses: []string{"10.0.0.11", "fd00::11"}}}, Metadata: wish.Metadata{
			"openstack/latest/meta_data.json":                  []byte(`{"uuid":"one"}`),
			"openstack/latest/user_data":                       []byte("#!/bin/sh"),
			"openstack/latest/vendor_data2.json":               []byte("{}"),
			"ec2/latest/user-data":                             []byte("#!/bin/sh"),
			"ec2/latest/meta-data/instance-id":                 []byte("i-1"),
			"ec2/latest/meta-data/placement/availability-zone": []byte("nova"),
			"ec2/latest/meta-data/public-keys/0/openssh-key":   []byte("ssh-rsa A"),
			"ec2/latest/meta-data/public-keys/0/name":          []byte("mine"),
		}},
		{ID: "two", Power: wish.Running, Ports: []wish.Port{{NetworkID: "blue", MAC: "fa:16:3e:00:01:0c", Addresses: []string{"10.0.0.11"}}},
			Metadata: wish.Metadata{"openstack/latest/meta_data.json": []byte(`{"uuid":"two"}`)}},
		{ID: "gone", Power: wish.Gone, Ports: []wish.Port{{NetworkID: "red", Addresses: []string{"10.0.0.13"}}}, Metadata: wish.Metadata{"openstack/latest/meta_data.json": []byte("gone")}},
	})
	return s
}

func ask(s *Service, method, network, from, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(strings.Repeat("x", 1<<20)))
	r.RemoteAddr = from
	r.Header.Set("X-Instance-ID", "two")
	r.Header.Set("X-Forwarded-For", "10.0.0.99")
	w := httptest.NewRecorder()
	s.handler(network).ServeHTTP(w, r)
	return w
}

func TestAnswers(t *testing.T) {
	s := service()
	const guest = "10.0.0.11:34567"
	for _, c := range []struct {
		network, from, path string
		status              int
		body                string
	}{
		{"red", guest, "/openstack/latest/meta_data.json", 200, `{"uuid":"one"}`},
		{"red", guest, "//openstack//2018-08-27/meta_data.json", 200, `{"uuid":"one"}`},
		{"red", "[fd00::11]:99", "/openstack/latest/meta_data.json", 200, `{"uuid":"one"}`},
		{"red", "[fe80::f816:3eff:fe00:10b%eth0]:99", "/openstack/latest/meta_data.json", 200, `{"uuid":"one"}`},
		{"blue", guest, "/openstack/latest/meta_data.json", 200, `{"uuid":"two"}`},
		{"red", "10.0.0.12:1", "/openstack/latest/meta_data.json", 404, ""},
		{"red", "10.0.0.13:1", "/openstack/latest/meta_data.json", 404, ""},
		{"green", guest, "/openstack/latest/meta_data.json", 404, ""},
		{"red", guest, "/", 200, strings.Join(append(ec2Versions[:len(ec2Versions):len(ec2Versions)], "openstack"), "\n")},
		{"red", guest, "/openstack", 200, strings.Join(openstackVersions, "\n")},
		{"red", guest, "/openstack/latest", 200, "meta_data.json\nuser_data\nvendor_data2.json"},
		{"red", guest, "/openstack/1999-01-01/meta_data.json", 404, ""},
		{"red", guest, "/latest", 200, "meta-data/\nuser-data"},
		{"red", guest, "/latest/user-data", 200, "#!/bin/sh"},
		{"red", guest, "/1.0/meta-data", 200, "instance-id\nplacement/\npublic-keys/"},
		{"red", guest, "/latest/meta-data/instance-id", 200, "i-1"},
		{"red", guest, "/latest/meta-data/public-keys", 200, "0=mine"},
		{"red", guest, "/latest/meta-data/public-keys/0/openssh-key", 200, "ssh-rsa A"},
		{"red", guest, "/latest/meta-data/placement/", 200, "availability-zone"},
		{"red", guest, "/latest/meta-data/none", 404, ""},
		{"red", guest, "/ec2/latest/meta-data/instance-id", 200, "i-1"},
		{"red", guest, "/etc/passwd", 404, ""},
		{"red", guest, "/latest/../../ec2", 404, ""},
		{"red", "nonsense", "/", 404, ""},
	} {
		w := ask(s, http.MethodGet, c.network, c.from, c.path)
		if w.Code != c.status || c.status == 200 && w.Body.String() != c.body {
			t.Errorf("%s from %s on %s: %d %q, want %d %q", c.path, c.from, c.network, w.Code, w.Body, c.status, c.body)
		}
	}
}

func TestOnlyReading(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		if w := ask(service(), method, "red", "10.0.0.11:1", "/"); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}
