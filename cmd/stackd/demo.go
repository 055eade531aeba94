package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"stackd/internal/client"
	"stackd/nova"

	"golang.org/x/crypto/ssh"
)

// demo makes, through the public APIs alone, what a newcomer wants to see: a
// project with a user, an image, networks, a key and a server that answers ssh.
// What is there already stays.
func demo(ctx context.Context, o *options, s *steps) error {
	d := &demonstration{o: o, s: s}
	admin, err := signIn(ctx, o, o.readLogin("admin"))
	if err != nil {
		return err
	}
	d.admin = admin
	for _, step := range []struct {
		name string
		do   func(context.Context) (bool, error)
	}{
		{"demo: project and user", d.people}, {"demo: flavors", d.flavors}, {"demo: image", d.image}, {"demo: public network", d.public},
		{"demo: private network", d.private}, {"demo: key, security rules", d.access}, {"demo: server", d.server}, {"demo: ssh", d.ssh},
	} {
		if o.Sim > 0 && strings.HasSuffix(step.name, "ssh") {
			continue
		}
		if err := s.do(step.name, func() (bool, error) { return step.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// project is the part of a demo that needs no image.
func (d *demonstration) project(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) (bool, error)
	}{{"demo: project and user", d.people}, {"demo: flavors", d.flavors}, {"demo: public network", d.public}, {"demo: private network", d.private}} {
		if err := d.s.do(step.name, func() (bool, error) { return step.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

type demonstration struct {
	o           *options
	s           *steps
	admin, user *client.Client
	password    string // of the user that is made; "" for one that nobody else knows
	pool        []any  // of the public network; nil for all but its first addresses

	imageID, publicID, privateID, address string
}

func (d *demonstration) people(ctx context.Context) (bool, error) {
	l := d.o.readLogin("demo")
	already := l.Password != ""
	if !already {
		l = login{"demo", "demo", cmp.Or(d.password, rand.Text())}
	}
	p, _, err := d.admin.Ensure(ctx, "identity", "/projects", "projects", "project", "demo", map[string]any{"domain_id": "default", "description": "A project to try things in"})
	if err != nil {
		return false, err
	}
	u, made, err := d.admin.Ensure(ctx, "identity", "/users", "users", "user", "demo", map[string]any{"domain_id": "default", "password": l.Password, "default_project_id": p.ID})
	if err != nil {
		return false, err
	}
	if !made && !already { // the user is there and its password is not known: give it a new one
		if err := d.admin.Do(ctx, "PATCH", "identity", "/users/"+u.ID, map[string]any{"user": map[string]any{"password": l.Password}}, nil); err != nil {
			return false, err
		}
	}
	r, err := d.admin.Named(ctx, "identity", "/roles", "roles", "member")
	if err != nil || r == nil {
		return false, fmt.Errorf("there is no role member: %w", err)
	}
	if err := d.admin.Do(ctx, "PUT", "identity", "/projects/"+p.ID+"/users/"+u.ID+"/roles/"+r.ID, nil, nil); err != nil {
		return false, err
	}
	if err := d.o.writeLogins(d.o.readLogin("admin"), l); err != nil {
		return false, err
	}
	d.user, err = signIn(ctx, d.o, l)
	return already, err
}

func (d *demonstration) flavors(ctx context.Context) (bool, error) {
	already := true
	for _, f := range []struct {
		name             string
		vcpus, ram, disk int
	}{{"m1.nano", 1, 128, 1}, {"m1.micro", 1, 192, 1}, {"m1.tiny", 1, 512, 1}, {"m1.small", 1, 2048, 20}, {"m1.medium", 2, 4096, 40}} {
		_, made, err := d.admin.Ensure(ctx, "compute", "/flavors", "flavors", "flavor", f.name, map[string]any{"vcpus": f.vcpus, "ram": f.ram, "disk": f.disk})
		if err != nil {
			return false, err
		}
		already = already && !made
	}
	return already, nil
}

// image uploads the demo image, unless there is one of that name that is whole.
func (d *demonstration) image(ctx context.Context) (bool, error) {
	file := d.o.DemoImage
	if file == "" {
		file = d.o.path("tiny.qcow2")
	}
	var out struct{ Images []client.Thing }
	if err := d.admin.Do(ctx, "GET", "image", "/images?name=tiny", nil, &out); err != nil {
		return false, err
	}
	for _, i := range out.Images {
		if i.Status == "active" {
			d.imageID = i.ID
			return true, nil
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return false, fmt.Errorf("%w; images/build.sh makes one, --demo-image names another", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return false, err
	}
	format := "qcow2"
	if strings.HasSuffix(file, ".raw") || strings.HasSuffix(file, ".img") {
		format = "raw"
	}
	var i client.Thing
	if err := d.admin.Do(ctx, "POST", "image", "/images", map[string]any{"name": "tiny", "disk_format": format, "container_format": "bare", "visibility": "public"}, &i); err != nil {
		return false, err
	}
	d.imageID = i.ID
	body := &counted{r: f, size: st.Size(), tell: func(part float64) { d.s.tell(event{Step: "demo: image", Part: part}) }}
	err = d.admin.Do(ctx, "PUT", "image", "/images/"+i.ID+"/file", body, nil)
	return false, err
}

// counted tells how much of it has been read.
type counted struct {
	r       io.Reader
	n, size int64
	last    time.Time
	tell    func(float64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	if time.Since(c.last) > 100*time.Millisecond && c.size > 0 {
		c.last = time.Now()
		c.tell(float64(c.n) / float64(c.size))
	}
	return n, err
}

func (d *demonstration) public(ctx context.Context) (bool, error) {
	n, made, err := d.admin.Ensure(ctx, "network", "/networks", "networks", "network", "public", map[string]any{"router:external": true, "provider:network_type": "flat", "provider:physical_network": cmp.Or(d.o.Physnet, "physnet1")})
	if err != nil {
		return false, err
	}
	d.publicID = n.ID
	gw := netip.MustParsePrefix(d.o.Gateway)
	if d.pool == nil {
		first, last := poolOf(gw)
		d.pool = []any{map[string]string{"start": first, "end": last}}
	}
	_, _, err = d.admin.Ensure(ctx, "network", "/subnets", "subnets", "subnet", "public-subnet", map[string]any{"network_id": n.ID, "ip_version": 4, "cidr": gw.Masked().String(),
		"gateway_ip": gw.Addr().String(), "enable_dhcp": false, "allocation_pools": d.pool})
	return !made, err
}

// poolOf leaves the first ten addresses of the public network to its operator.
func poolOf(gw netip.Prefix) (first, last string) {
	a := gw.Masked().Addr()
	for range min(10, 1<<(32-gw.Bits())/4) {
		a = a.Next()
	}
	b := gw.Masked().Addr().As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	n += 1<<(32-gw.Bits()) - 2
	return a.String(), netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

func (d *demonstration) private(ctx context.Context) (bool, error) {
	n, made, err := d.user.Ensure(ctx, "network", "/networks", "networks", "network", "private", map[string]any{})
	if err != nil {
		return false, err
	}
	d.privateID = n.ID
	sub, _, err := d.user.Ensure(ctx, "network", "/subnets", "subnets", "subnet", "private-subnet", map[string]any{"network_id": n.ID, "ip_version": 4, "cidr": "10.0.0.0/24", "dns_nameservers": []string{"1.1.1.1", "8.8.8.8"}})
	if err != nil {
		return false, err
	}
	r, fresh, err := d.user.Ensure(ctx, "network", "/routers", "routers", "router", "router", map[string]any{"external_gateway_info": map[string]any{"network_id": d.publicID}})
	if err != nil || !fresh {
		return !made, err
	}
	err = d.user.Do(ctx, "PUT", "network", "/routers/"+r.ID+"/add_router_interface", map[string]any{"subnet_id": sub.ID}, nil)
	return false, err
}

func (d *demonstration) access(ctx context.Context) (bool, error) {
	already := true
	if _, err := os.Stat(d.o.path("demo_key")); err != nil {
		already = false
		line, key, err := nova.Ed25519Line("demo")
		if err != nil {
			return false, err
		}
		if err := os.WriteFile(d.o.path("demo_key"), key, 0o600); err != nil {
			return false, err
		}
		d.user.Do(ctx, "DELETE", "compute", "/os-keypairs/demo", nil, nil) // of a key that is lost
		if err := d.user.Do(ctx, "POST", "compute", "/os-keypairs", map[string]any{"keypair": map[string]any{"name": "demo", "public_key": line}}, nil); err != nil {
			return false, err
		}
	}
	g, err := d.user.Named(ctx, "network", "/security-groups", "security_groups", "default")
	if err != nil || g == nil {
		return false, fmt.Errorf("there is no default security group: %w", err)
	}
	for _, rule := range []map[string]any{{"protocol": "icmp"}, {"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}} {
		rule["security_group_id"], rule["direction"], rule["ethertype"] = g.ID, "ingress", "IPv4"
		err := d.user.Do(ctx, "POST", "network", "/security-group-rules", map[string]any{"security_group_rule": rule}, nil)
		if err != nil && !strings.Contains(err.Error(), "409") {
			return false, err
		}
		already = already && err != nil
	}
	return already, nil
}

func (d *demonstration) server(ctx context.Context) (bool, error) {
	v, err := d.user.Named(ctx, "compute", "/servers/detail", "servers", "demo")
	if err != nil {
		return false, err
	}
	made := v == nil
	if made {
		f, err := d.user.Named(ctx, "compute", "/flavors", "flavors", "m1.nano")
		if err != nil || f == nil {
			return false, fmt.Errorf("there is no flavor m1.nano: %w", err)
		}
		var out struct{ Server client.Thing }
		if err := d.user.Do(ctx, "POST", "compute", "/servers", map[string]any{"server": map[string]any{"name": "demo", "flavorRef": f.ID, "imageRef": d.imageID, "key_name": "demo",
			"networks": []any{map[string]string{"uuid": d.privateID}}}}, &out); err != nil {
			return false, err
		}
		v = &out.Server
	}
	err = waitFor(ctx, "the server to be ACTIVE", 5*time.Minute, 200*time.Millisecond, func() (bool, error) {
		var out struct {
			Server struct {
				client.Thing
				Fault struct{ Message string }
			}
		}
		if err := d.user.Do(ctx, "GET", "compute", "/servers/"+v.ID, nil, &out); err != nil {
			return false, err
		}
		if out.Server.Status == "ERROR" {
			return true, nil
		}
		return out.Server.Status == "ACTIVE" || out.Server.Status == "SHUTOFF", fmt.Errorf("it is %s", out.Server.Status)
	})
	if err != nil {
		return false, err
	}
	return !made, d.float(ctx, v.ID)
}

// float gives the server a floating IP, if it has none.
func (d *demonstration) float(ctx context.Context, server string) error {
	var ports struct{ Ports []struct{ ID string } }
	if err := d.user.Do(ctx, "GET", "network", "/ports?device_id="+server, nil, &ports); err != nil {
		return err
	}
	if len(ports.Ports) == 0 {
		return fmt.Errorf("the server has no port; see: openstack server show demo")
	}
	var have struct {
		List []struct {
			Address string `json:"floating_ip_address"`
		} `json:"floatingips"`
	}
	port := ports.Ports[0].ID
	if err := d.user.Do(ctx, "GET", "network", "/floatingips?port_id="+port, nil, &have); err != nil {
		return err
	}
	if len(have.List) > 0 {
		d.address = have.List[0].Address
		return nil
	}
	var out struct {
		FIP struct {
			Address string `json:"floating_ip_address"`
		} `json:"floatingip"`
	}
	err := d.user.Do(ctx, "POST", "network", "/floatingips", map[string]any{"floatingip": map[string]any{"floating_network_id": d.publicID, "port_id": port}}, &out)
	d.address = out.FIP.Address
	return err
}

// ssh waits until the server lets its key's owner in.
func (d *demonstration) ssh(ctx context.Context) (bool, error) {
	b, err := os.ReadFile(d.o.path("demo_key"))
	if err != nil {
		return false, err
	}
	key, err := ssh.ParsePrivateKey(b)
	if err != nil {
		return false, err
	}
	cfg := &ssh.ClientConfig{User: "cirros", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 5 * time.Second}
	err = waitFor(ctx, "an ssh login at "+d.address, 4*time.Minute, time.Second, func() (bool, error) {
		c, err := ssh.Dial("tcp", net.JoinHostPort(d.address, "22"), cfg)
		if err != nil {
			return false, err
		}
		return true, c.Close()
	})
	if err == nil {
		d.s.tell(event{Text: fmt.Sprintf("\nThe demo server answers:  ssh -i %s cirros@%s\n", d.o.path("demo_key"), d.address)})
	}
	return false, err
}
