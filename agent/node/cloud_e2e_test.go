//go:build e2e

package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stackd/agent"
	"stackd/agent/daemon"
	"stackd/agent/netns/netnstest"
	"stackd/agent/wish"
)

// A cloud is a host with its daemons up and an OVN network laid by hand.
type cloud struct {
	*plane
	host   *daemon.Host
	agent  *agent.Agent
	signer ssh.Signer
	stop   func()
}

func TestMain(m *testing.M) { netnstest.Main(m, "e2e-node-host") }

const (
	networkID = "0f3c2a5e-7a51-4d6c-8a6e-0c2f5d1b9e01"
	localport = "0f3c2a5e-7a51-4d6c-8a6e-0c2f5d1b9e02"
	outside   = "172.24.78"
)

// newCloud brings a host up in a data directory of its own and takes all away at the end.
func newCloud(t *testing.T, ns string) *cloud { return newCloudIn(t, ns, t.TempDir()) }

func newCloudIn(t *testing.T, ns, dir string) *cloud {
	t.Helper()
	o := daemon.Options{DataDir: dir, Name: "e2e-node", Netns: ns, Gateway: netip.MustParsePrefix(outside + ".1/24"), Accel: "tcg"}
	t.Cleanup(func() {
		if err := daemon.Down(context.Background(), o); err != nil {
			t.Error(err)
		}
	})
	host, err := daemon.Up(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{host: host, signer: signer, plane: &plane{image: guestImage(t)}}
	c.layNetwork(t)
	c.startAgent(t)
	t.Cleanup(func() { c.stop() })
	return c
}

// guestImage is STACKD_TEST_IMAGE, or made now.
func guestImage(t *testing.T) string {
	t.Helper()
	if f := os.Getenv("STACKD_TEST_IMAGE"); f != "" {
		return f
	}
	dir := t.TempDir()
	if out, err := exec.Command("../../images/build.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("images/build.sh: %v\n%s", err, out)
	}
	return filepath.Join(dir, "tiny.qcow2")
}

func (c *cloud) startAgent(t *testing.T) {
	c.agent = New(c.host, Options{Host: "e2e", Plane: c.plane, Tune: func(a *agent.Config) {
		a.ReportEvery, a.SweepEvery, a.ShutdownGrace = time.Second, 2*time.Second, 30*time.Second
	}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.agent.Run(ctx); close(done) }()
	c.stop = func() { cancel(); <-done }
}

func (c *cloud) nb(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ovn-nbctl", append([]string{"--timeout=20", "--db=" + c.host.NB()}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ovn-nbctl %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// layNetwork is a switch with DHCP and a localport, behind a router with SNAT.
func (c *cloud) layNetwork(t *testing.T) {
	t.Helper()
	net := "net1"
	c.nb(t, "ls-add", net, "--", "set", "logical_switch", net, "other_config:subnet=10.0.0.0/24",
		"--", "lsp-add", net, localport, "--", "lsp-set-type", localport, "localport", "--", "lsp-set-addresses", localport, "fa:16:3e:00:00:fe 10.0.0.2",
		"--", "lr-add", "r1", "--", "lrp-add", "r1", "r1-in", "fa:16:3e:00:aa:00", "10.0.0.1/24",
		"--", "lsp-add", net, "in-r1", "--", "lsp-set-type", "in-r1", "router", "--", "lsp-set-addresses", "in-r1", "router", "--", "lsp-set-options", "in-r1", "router-port=r1-in",
		"--", "ls-add", "public", "--", "lsp-add", "public", "public-ln", "--", "lsp-set-type", "public-ln", "localnet", "--", "lsp-set-addresses", "public-ln", "unknown",
		"--", "lsp-set-options", "public-ln", "network_name="+c.host.Physnet,
		"--", "lrp-add", "r1", "r1-out", "fa:16:3e:00:aa:fe", outside+".10/24",
		"--", "lsp-add", "public", "out-r1", "--", "lsp-set-type", "out-r1", "router", "--", "lsp-set-addresses", "out-r1", "router",
		"--", "lsp-set-options", "out-r1", "router-port=r1-out", "nat-addresses=router",
		"--", "lrp-set-gateway-chassis", "r1-out", c.host.Hostname, "20", "--", "lr-route-add", "r1", "0.0.0.0/0", outside+".1",
		"--", "lr-nat-add", "r1", "snat", outside+".10", "10.0.0.0/24")
	c.wish(func(w *wish.Wishes) {
		w.Networks = []wish.Network{{ID: networkID, MetadataID: localport, MetadataMAC: "fa:16:3e:00:00:fe", Addresses: []string{"10.0.0.2/24"}, MTU: 1442}}
	})
}

// port makes a logical port with an address, and for n < 100 a floating IP.
func (c *cloud) port(t *testing.T, id string, n int) wish.Port {
	t.Helper()
	ip, mac := fmt.Sprintf("10.0.0.%d", n), fmt.Sprintf("fa:16:3e:00:01:%02x", n)
	dhcp := c.nb(t, "create", "dhcp_options", "cidr=10.0.0.0/24", `options="server_id"="10.0.0.1" "server_mac"="fa:16:3e:00:aa:00" "lease_time"="3600" `+
		`"router"="10.0.0.1" "mtu"="1442" "classless_static_route"="{169.254.169.254/32,10.0.0.2, 0.0.0.0/0,10.0.0.1}"`)
	bound := fmt.Sprintf("%s %s fd00::%d", mac, ip, n) // with no IPv6 address, OVN lets no IPv6 out
	c.nb(t, "lsp-add", "net1", id, "--", "lsp-set-addresses", id, bound, "--", "lsp-set-port-security", id, bound,
		"--", "lsp-set-dhcpv4-options", id, dhcp)
	if n < 100 {
		c.nb(t, "lr-nat-add", "r1", "dnat_and_snat", fmt.Sprintf("%s.%d", outside, n), ip)
	}
	return wish.Port{ID: id, NetworkID: networkID, MAC: mac, MTU: 1442, Addresses: []string{ip}}
}

// server is a wish for a guest of the test image with one port.
func (c *cloud) server(t *testing.T, id, name string, port wish.Port) wish.Server {
	t.Helper()
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(c.signer.PublicKey())))
	doc, err := json.Marshal(map[string]any{"uuid": id, "hostname": name + ".e2e", "name": name, "public_keys": map[string]string{"k": key}})
	if err != nil {
		t.Fatal(err)
	}
	return wish.Server{
		ID: id, Generation: 1, Name: "instance-" + id[:8], DisplayName: name, Power: wish.Running,
		VCPUs: 1, MemoryMB: 128, RootGB: 1, Ports: []wish.Port{port},
		Image: &wish.Image{ID: "5d1b9e01-0000-4000-8000-000000000001", Format: "qcow2"},
		Metadata: wish.Metadata{
			"openstack/latest/meta_data.json":                  doc,
			"openstack/latest/user_data":                       []byte("#!/bin/sh\necho user data was here\n"),
			"ec2/latest/meta-data/instance-id":                 []byte("i-" + id[:8]),
			"ec2/latest/meta-data/public-keys/0/openssh-key":   []byte(key),
			"ec2/latest/meta-data/placement/availability-zone": []byte("nova"),
		},
	}
}

// ssh runs a command in the guest as soon as it answers.
func (c *cloud) ssh(t *testing.T, n int, command string) string {
	t.Helper()
	config := &ssh.ClientConfig{User: "cirros", Auth: []ssh.AuthMethod{ssh.PublicKeys(c.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 3 * time.Second}
	start := time.Now()
	for {
		out, err := trySSH(fmt.Sprintf("%s.%d:22", outside, n), config, command)
		if err == nil {
			t.Logf("ssh %q after %v", command, time.Since(start).Round(time.Millisecond))
			return strings.TrimSpace(out)
		}
		if time.Since(start) > 2*time.Minute {
			t.Fatalf("ssh: %v", err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func trySSH(at string, config *ssh.ClientConfig, command string) (string, error) {
	conn, err := net.DialTimeout("tcp", at, config.Timeout)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	c, chans, reqs, err := ssh.NewClientConn(conn, at, config)
	if err != nil {
		return "", err
	}
	client := ssh.NewClient(c, chans, reqs)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	out, err := session.CombinedOutput(command)
	return string(out), err
}
