package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"stackd/test/cloudtest"
)

// fixtures are what tempest needs to be there.
type fixtures struct {
	image, image2, flavor, flavor2, public string
	extensions                             []string
	web                                    string // an address with an image, of a cloud of our own
	real                                   bool   // guests boot and can be reached
	blocks, backups                        bool   // there is block storage, and a place for its backups
	nodes                                  int    // hosts that run servers
}

// prepare makes what is missing: two images, two flavors, an external network.
// With own, a cloud of real guests, the images boot and floating IPs are reached.
func prepare(ctx context.Context, env map[string]string, own *cloudtest.Cloud) (fixtures, error) {
	f := fixtures{real: own != nil}
	format, content := "raw", make([]byte, 1<<20)
	cidr := "172.24.4"
	if own != nil {
		var err error
		if content, err = os.ReadFile(os.Getenv("STACKD_IMAGE")); err != nil {
			return f, fmt.Errorf("STACKD_IMAGE names no image that boots; make image builds one: %w", err)
		}
		format, cidr = "qcow2", strings.TrimSuffix(own.Public, ".1/24")
	}
	c, err := cloudtest.SignIn(ctx, env)
	if err != nil {
		return f, err
	}
	for name, to := range map[string]*string{"conformance-1": &f.image, "conformance-2": &f.image2} {
		t, _, err := c.Ensure(ctx, "image", "/images?name="+name, "images", "", name, map[string]any{"disk_format": format, "container_format": "bare", "visibility": "public"})
		if err != nil {
			return f, err
		}
		*to = t.ID
		if t.Status != "active" {
			if err := c.Do(ctx, "PUT", "image", "/images/"+t.ID+"/file", bytes.NewReader(content), nil); err != nil {
				return f, err
			}
		}
	}
	for name, to := range map[string]*string{"conformance-1": &f.flavor, "conformance-2": &f.flavor2} {
		ram := 128
		if to == &f.flavor2 {
			ram = 256
		}
		t, _, err := c.Ensure(ctx, "compute", "/flavors", "flavors", "flavor", name, map[string]any{"vcpus": 1, "ram": ram, "disk": 1})
		if err != nil {
			return f, err
		}
		*to = t.ID
	}
	net, _, err := c.Ensure(ctx, "network", "/networks", "networks", "network", "public", map[string]any{"router:external": true, "provider:network_type": "flat", "provider:physical_network": "physnet1"})
	if err != nil {
		return f, err
	}
	f.public = net.ID
	_, _, err = c.Ensure(ctx, "network", "/subnets", "subnets", "subnet", "public-subnet", map[string]any{"network_id": net.ID, "ip_version": 4, "cidr": cidr + ".0/24", "gateway_ip": cidr + ".1", "enable_dhcp": false,
		"allocation_pools": []map[string]string{{"start": cidr + ".50", "end": cidr + ".250"}}})
	if err != nil {
		return f, err
	}
	if _, f.blocks = c.Catalog["volumev3"]; f.blocks {
		var out struct{ Services []struct{ Binary string } }
		if err := c.Do(ctx, "GET", "volumev3", "/os-services", nil, &out); err != nil {
			return f, err
		}
		for _, s := range out.Services {
			f.backups = f.backups || s.Binary == "cinder-backup"
		}
	}
	var hosts struct{ Services []struct{ State string } }
	if err := c.Do(ctx, "GET", "compute", "/os-services?binary=nova-compute", nil, &hosts); err != nil {
		return f, err
	}
	f.nodes = len(hosts.Services)
	var ext struct{ Extensions []struct{ Alias string } }
	err = c.Do(ctx, "GET", "network", "/extensions", nil, &ext)
	for _, e := range ext.Extensions {
		f.extensions = append(f.extensions, e.Alias)
	}
	return f, err
}

// conf is tempest's configuration for this cloud. Services that the catalog does
// not have are said not to be there; nothing else is switched off to please.
func (f fixtures) conf(env map[string]string, dir string) string {
	get := func(name, or string) string {
		if v := cloudtest.Env(env, name); v != "" {
			return v
		}
		return or
	}
	return fmt.Sprintf(`[DEFAULT]
log_dir = %[1]s
debug = false
[oslo_concurrency]
lock_path = %[2]s
[auth]
use_dynamic_credentials = true
admin_username = %[3]s
admin_password = %[4]s
admin_project_name = %[5]s
admin_domain_name = Default
tempest_roles = member
[identity]
uri_v3 = %[6]s
auth_version = v3
region = %[7]s
v3_endpoint_type = public
[identity-feature-enabled]
api_v3 = true
api_v2 = false
application_credentials = true
access_rules = true
federation = true
external_idp = false
enforce_scope = true
[enforce_scope]
keystone = true
[compute]
image_ref = %[8]s
image_ref_alt = %[9]s
flavor_ref = %[10]s
flavor_ref_alt = %[11]s
min_compute_nodes = %[19]d
build_timeout = 60
build_interval = 1
min_microversion = 2.1
max_microversion = 2.96
[compute-feature-enabled]
console_output = true
vnc_console = false
resize = true
live_migration = %[20]t
cold_migration = %[20]t
block_migration_for_live_migration = true
block_migrate_cinder_iscsi = true
volume_backed_live_migration = true
snapshot = true
shelve = true
rescue = true
[network]
project_network_cidr = 10.100.0.0/16
public_network_id = %[12]s
floating_network_name = public
[network-feature-enabled]
ipv6 = true
ipv6_subnet_attributes = true
api_extensions = %[13]s
[placement]
min_microversion = 1.0
max_microversion = 1.39
[validation]
%[17]s[image]
build_timeout = 30
# tempest uploads random bytes as each of these; formats with a header are refused for what they are not
disk_formats = raw,ami,ari,aki
%[16]s[volume]
catalog_type = volumev3
min_microversion = 3.0
max_microversion = 3.71
storage_protocol = file
vendor_name = Open Source
build_timeout = 60
build_interval = 1
[volume-feature-enabled]
backup = %[15]t
manage_volume = true
manage_snapshot = true
extend_attached_volume = true
extend_attached_encrypted_volume = true
[service_available]
cinder = %[14]t
neutron = true
glance = true
nova = true
swift = false
%[18]s`, filepath.Join(dir, "logs"), filepath.Join(dir, "lock"), get("OS_USERNAME", "admin"), get("OS_PASSWORD", ""), get("OS_PROJECT_NAME", "admin"), get("OS_AUTH_URL", ""), get("OS_REGION_NAME", "RegionOne"),
		f.image, f.image2, f.flavor, f.flavor2, f.public, strings.Join(f.extensions, ","), f.blocks, f.backups, imageConf(f.web), validationConf(f.real), dashboardConf(get("OS_AUTH_URL", "")), f.nodes, f.nodes > 1)
}

// dashboardConf says where the dashboard is: beside the identity service, if it answers there.
func dashboardConf(auth string) string {
	u, err := url.Parse(auth)
	if err != nil || u.Host == "" {
		return "horizon = false\n"
	}
	at := "http://" + net.JoinHostPort(u.Hostname(), "9000") + "/dashboard/"
	a, err := http.Get(at)
	if err != nil || a.Body.Close() != nil || a.StatusCode != http.StatusOK {
		return "horizon = false\n"
	}
	return "horizon = true\n[dashboard]\ndashboard_url = " + at + "\n"
}

// validationConf says whether and how guests are gone into.
func validationConf(real bool) string {
	if !real {
		return "run_validation = false\nconnect_method = fixed\n"
	}
	return "run_validation = true\nconnect_method = floating\nauth_method = keypair\nimage_ssh_user = cirros\nssh_key_type = ecdsa\nssh_timeout = 120\nping_timeout = 120\n[scenario]\nimg_file = " + os.Getenv("STACKD_IMAGE") + "\nimg_disk_format = qcow2\n"
}
