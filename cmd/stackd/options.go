package main

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"stackd/agent/daemon"
	"stackd/agent/netns"
	"stackd/neutron"

	"github.com/spf13/cobra"
)

// options are what `stackd up` is told. They are kept in the data folder, so that
// down and status need only that.
type options struct {
	Data     string `json:"data"`
	Name     string `json:"name"`
	Netns    string `json:"netns"`
	Host     string `json:"host"`
	Listen   string `json:"listen"`
	Database string `json:"database"`
	Region   string `json:"region"`
	Gateway  string `json:"gateway"`
	OnePort  int    `json:"one_port"`
	TLSCert  string `json:"tls_cert,omitempty"`
	TLSKey   string `json:"tls_key,omitempty"`
	Accel    string `json:"accel,omitempty"`
	Sim      int    `json:"sim,omitempty"`
	// Serve: the control plane alone, for nodes on other hosts.
	Serve  bool   `json:"serve,omitempty"`
	Nodes  string `json:"nodes,omitempty"`
	Tunnel string `json:"tunnel,omitempty"`
	Uplink string `json:"uplink,omitempty"`
	// Physnet is the physical network that br-ex is on.
	Physnet string `json:"physnet,omitempty"`

	// Endpoint is the host of all addresses that clients are told; "" is Listen.
	Endpoint string `json:"endpoint,omitempty"`
	// HoldEndpoint keeps the endpoint's address on one of the control planes.
	HoldEndpoint bool `json:"hold_endpoint,omitempty"`
	// Controllers are the addresses of all hosts that OVN's databases are on, when several.
	Controllers []string `json:"controllers,omitempty"`
	// Fabric is "ovn", or "sim" for networks without packets.
	Fabric string `json:"fabric,omitempty"`

	Demo       bool   `json:"-"`
	DemoImage  string `json:"-"`
	Background bool   `json:"-"`
}

func (o *options) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.Data, "data", "/var/lib/stackd", "folder for everything this cloud keeps")
	f.StringVar(&o.Name, "name", "stackd", "name of this cloud on this machine; links, namespace and sockets are named after it")
	f.StringVar(&o.Netns, "netns", "", "network namespace for all packets; \"host\" is the host's own (default: the cloud's name)")
	f.StringVar(&o.Host, "host", "", "name of this machine as a hypervisor (default: its host name)")
	f.StringVar(&o.Listen, "listen", "127.0.0.1", "address the APIs answer at")
	f.StringVar(&o.Endpoint, "endpoint", "", "name or address that clients use, where another answers for this one: a balancer before several control planes (default: that of --listen)")
	f.BoolVar(&o.HoldEndpoint, "hold-endpoint", false, "keep the address --endpoint beside that of --listen, on one of the control planes that share the database")
	f.StringSliceVar(&o.Controllers, "controllers", nil, "addresses of all control planes, this one's of --nodes among them: OVN's databases are clusters of theirs")
	f.StringVar(&o.Database, "database", "", "postgres://…, or @FILE that says so (default: an SQLite file in the data folder)")
	f.StringVar(&o.Region, "region", "RegionOne", "region of the catalog")
	f.StringVar(&o.Gateway, "public", "172.24.4.1/24", "this machine's address on the public network, with its prefix")
	f.IntVar(&o.OnePort, "one-port", 9000, "port at which all services answer under one address")
	f.StringVar(&o.TLSCert, "tls-cert", "", "certificate file (PEM); with --tls-key, all addresses are https")
	f.StringVar(&o.TLSKey, "tls-key", "", "private key file (PEM)")
	f.StringVar(&o.Accel, "accel", "", "kvm or tcg (default: kvm if a probe guest runs under it)")
	f.IntVar(&o.Sim, "sim", 0, "so many simulated hosts in place of this machine: no guests, no packets")
	f.StringVar(&o.Fabric, "fabric", "ovn", "ovn, or sim: networks without packets, for nodes made with stackd agent --sim")
	f.StringVar(&o.Nodes, "nodes", "", "address where other hosts may join as nodes, host:port (default: none)")
	f.StringVar(&o.Tunnel, "tunnel", "", "this machine's address for tunnels to other hosts (default: that of --nodes)")
	f.StringVar(&o.Uplink, "uplink", "", "link of this machine that becomes a port of br-ex, with --netns host")
	f.StringVar(&o.Physnet, "physnet", "physnet1", "name of the physical network that br-ex is on")
	f.BoolVar(&o.Demo, "demo", false, "make a demo project with image, networks, key and a first server")
	f.StringVar(&o.DemoImage, "demo-image", "", "qcow2 or raw file for the demo server (default: tiny.qcow2 in the data folder)")
	f.BoolVar(&o.Background, "background", false, "return when the cloud is ready, and leave it running")
}

// check completes the options, and refuses what cannot work.
func (o *options) check() error {
	abs, err := filepath.Abs(o.Data)
	if err != nil {
		return err
	}
	o.Data = abs
	if o.Netns == "" {
		o.Netns = o.Name
	}
	if o.Host == "" {
		if o.Host, err = os.Hostname(); err != nil {
			return err
		}
	}
	if err := o.checkNames(); err != nil {
		return err
	}
	if _, err := netip.ParseAddr(o.Listen); err != nil {
		return fmt.Errorf("--listen %s: an address is wanted, for example 127.0.0.1 or 0.0.0.0", o.Listen)
	}
	if p, err := netip.ParsePrefix(o.Gateway); err != nil || !p.Addr().Is4() {
		return fmt.Errorf("--public %s: an IPv4 address with its prefix is wanted, for example 172.24.4.1/24", o.Gateway)
	}
	if o.OnePort < 1 || o.OnePort > 65535 {
		return fmt.Errorf("--one-port %d: a port from 1 to 65535 is wanted", o.OnePort)
	}
	if err := o.checkNodes(); err != nil {
		return err
	}
	if err := o.checkDatabase(); err != nil {
		return err
	}
	if err := o.checkPeers(); err != nil {
		return err
	}
	return o.checkTLS()
}

// packets tells whether this machine's networks carry any.
func (o *options) packets() bool { return o.Sim == 0 && o.Fabric != "sim" }

func (o *options) checkNames() error {
	switch {
	case !nameShape.MatchString(o.Name):
		return fmt.Errorf("--name %s: lower-case letters, digits and dashes are wanted, a letter first, 32 at most", o.Name)
	case !hostShape.MatchString(o.Host):
		return fmt.Errorf("--host %s: a host name is wanted", o.Host)
	case o.Accel != "" && o.Accel != "kvm" && o.Accel != "tcg":
		return fmt.Errorf("--accel %s: kvm or tcg is wanted", o.Accel)
	case o.Endpoint != "" && !hostShape.MatchString(o.Endpoint) && net.ParseIP(o.Endpoint) == nil:
		return fmt.Errorf("--endpoint %s: a host name or an address is wanted, without scheme and port", o.Endpoint)
	case o.Fabric != "" && o.Fabric != "ovn" && o.Fabric != "sim":
		return fmt.Errorf("--fabric %s: ovn or sim is wanted", o.Fabric)
	case o.Sim < 0:
		return fmt.Errorf("--sim %d: a number of hosts is wanted, 0 for this machine", o.Sim)
	}
	return nil
}

// checkNodes sees that other hosts can reach this one where they are told.
func (o *options) checkNodes() error {
	if o.Tunnel != "" {
		if _, err := netip.ParseAddr(o.Tunnel); err != nil {
			return fmt.Errorf("--tunnel %s: an address is wanted", o.Tunnel)
		}
	}
	if o.Nodes == "" {
		return nil
	}
	if o.Netns != daemon.HostNetns && o.packets() {
		return errors.New("--nodes goes with --netns host: other hosts do not reach a namespace of its own")
	}
	at, err := netip.ParseAddrPort(o.Nodes)
	if err != nil || at.Addr().IsUnspecified() || at.Port() == 0 {
		return fmt.Errorf("--nodes %s: the address that other hosts reach is wanted, with a port, for example 192.0.2.10:%d", o.Nodes, nodesPort)
	}
	if o.Tunnel == "" {
		o.Tunnel = at.Addr().String()
	}
	return nil
}

// nodesPort is where nodes usually join, sbPort where their chassis find OVN, and
// livePort where a node itself listens.
const nodesPort, sbPort, livePort = 8780, 6642, 8781

// network is neutron's part of the options.
func (o *options) network() neutron.Config {
	c := neutron.DefaultConfig()
	if o.Physnet != "" {
		c.Physnets, c.Mappings = []string{o.Physnet}, map[string]string{o.Physnet: "br-ex"}
	}
	return c
}

// southbound is where other hosts' chassis find OVN's southbound database.
func (o *options) southbound() string {
	if o.Nodes == "" {
		return ""
	}
	return netip.AddrPortFrom(netip.MustParseAddrPort(o.Nodes).Addr(), sbPort).String()
}

var (
	nameShape = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	hostShape = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`)
)

// checkDatabase takes a PostgreSQL address as it is, and makes the name of an
// SQLite file whole, so that it means the same from any working folder.
func (o *options) checkDatabase() (err error) {
	scheme, _, ok := strings.Cut(o.Database, "://")
	switch {
	case o.Database == "":
		o.Database = o.path("stackd.db")
	case o.Database[0] == '@':
		o.Database, err = filepath.Abs(o.Database[1:])
		o.Database = "@" + o.Database
	case !ok:
		o.Database, err = filepath.Abs(o.Database)
	case scheme != "postgres" && scheme != "postgresql":
		return fmt.Errorf("--database %s://…: postgres://… or the name of an SQLite file is wanted", scheme)
	}
	return err
}

// checkTLS sees that the certificate and its key are there and fit.
func (o *options) checkTLS() (err error) {
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return fmt.Errorf("--tls-cert and --tls-key go together")
	}
	if o.TLSCert == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey); err != nil {
		return fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	if o.TLSCert, err = filepath.Abs(o.TLSCert); err == nil {
		o.TLSKey, err = filepath.Abs(o.TLSKey)
	}
	return err
}

func (o *options) path(parts ...string) string {
	return filepath.Join(append([]string{o.Data}, parts...)...)
}

func (o *options) scheme() string {
	if o.TLSCert != "" {
		return "https"
	}
	return "http"
}

// address is where clients on this machine reach a port.
func (o *options) address(port int) string {
	host := cmp.Or(o.Endpoint, o.Listen)
	if a, err := netip.ParseAddr(host); err == nil && a.IsUnspecified() {
		host = "127.0.0.1"
	}
	return o.scheme() + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}

func (o *options) daemons() daemon.Options {
	d := daemon.Options{DataDir: o.Data, Name: o.Name, Netns: o.Netns, Hostname: o.Host, Accel: o.Accel, EncapIP: o.Tunnel, Uplink: o.Uplink, Physnet: o.Physnet,
		SBListen: o.southbound(), TLS: o.tlsFiles("")}
	if len(o.Controllers) > 0 {
		d.Cluster = &daemon.Cluster{Local: o.nodesHost(), Members: o.Controllers, TLS: o.tlsFiles("databases-")}
	}
	if o.Uplink == "" {
		d.Gateway = netip.MustParsePrefix(o.Gateway)
	}
	switch {
	case o.Serve && o.Uplink != "":
		d.Role = daemon.Gateway
	case o.Serve:
		d.Role = daemon.Central
	}
	return d
}

// guestNetns is the file of the network namespace that guests are in; "" is the host's own.
func (o *options) guestNetns() string {
	if o.Netns == daemon.HostNetns || !o.packets() {
		return ""
	}
	return netns.Path(o.Netns)
}

func (o *options) save() error {
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.path("cloud.json"), append(b, '\n'), 0o600)
}

// load reads the options of the cloud in a data folder.
func load(data string) (*options, error) {
	abs, err := filepath.Abs(data)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(abs, "cloud.json"))
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("there is no cloud in %s; make one with: stackd up --data %s", abs, abs)
	}
	if err != nil {
		return nil, err
	}
	o := &options{}
	if err := json.Unmarshal(b, o); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(abs, "cloud.json"), err)
	}
	o.Data = abs
	return o, nil
}
