package ovn

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stackd/neutron"
	"stackd/neutron/neutrontest"
)

func common(project string) neutron.Common { return neutron.Common{ProjectID: project} }

func must[T any](t testing.TB, x T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (c *cloud) port(net, project string) *neutron.Port {
	c.t.Helper()
	p, err := c.n.CreatePort(neutrontest.As(c.t.Context(), project, "member"), neutron.PortSpec{Common: common(project), NetworkID: net, DeviceOwner: neutron.Some("compute:nova")})
	return must(c.t, p, err)
}

// Everything makes and takes away a whole tenant's network; nothing is left of it.
func TestTheDatabaseFollows(t *testing.T) {
	c := startCloud(t)
	operator := neutrontest.As(t.Context(), "operator", "admin")
	out, outSub := neutrontest.Outside(t, operator, c.n, "203.0.113.0/24")
	net, sub := neutrontest.Network(t, c.ctx, c.n, "p1", "10.1.0.0/24")
	p := c.port(net.ID, "p1")
	r := must2(t)(c.n.CreateRouter(c.ctx, neutron.RouterSpec{Common: common("p1"), Gateway: neutron.Some(neutron.Gateway{NetworkID: out.ID})}))
	if _, err := c.n.AddInterface(c.ctx, r.ID, neutron.InterfaceSpec{SubnetID: sub.ID}); err != nil {
		t.Fatal(err)
	}
	f, err := c.n.CreateFloatingIP(c.ctx, neutron.FloatingIPSpec{Common: common("p1"), NetworkID: out.ID, PortID: neutron.Some(p.ID)})
	must(t, f, err)
	c.eventually("translations", func() bool {
		l := c.ask("lr-nat-list", "neutron-"+r.ID)
		return strings.Contains(l, "dnat_and_snat") && strings.Contains(l, f.Address) && strings.Contains(l, "10.1.0.0/24")
	})
	if got := c.nbctl("lsp-get-addresses", p.ID); got != p.MAC+" "+p.FixedIPs[0].Address {
		t.Error(got)
	}
	if got := c.nbctl("lsp-get-port-security", p.ID); got != p.MAC+" "+p.FixedIPs[0].Address {
		t.Error(got)
	}
	if got := c.nbctl("lr-route-list", "neutron-"+r.ID); !strings.Contains(got, outSub.GatewayIP) {
		t.Error(got)
	}
	options := c.nbctl("--bare", "--columns=options", "find", "DHCP_Options", "cidr=\"10.1.0.0/24\"")
	for _, want := range []string{"classless_static_route={169.254.169.254/32,", "0.0.0.0/0,10.1.0.1}", "mtu=1442", "dns_server={9.9.9.9}", "router=10.1.0.1"} {
		if !strings.Contains(options, want) {
			t.Errorf("no %s in %s", want, options)
		}
	}
	c.takeAllAway(net, sub, p, r, f, out)
}

func must2(t testing.TB) func(r *neutron.Router, err error) *neutron.Router {
	return func(r *neutron.Router, err error) *neutron.Router { t.Helper(); return must(t, r, err) }
}

func (c *cloud) takeAllAway(net *neutron.Network, sub *neutron.Subnet, p *neutron.Port, r *neutron.Router, f *neutron.FloatingIP, out *neutron.Network) {
	c.t.Helper()
	_, errI := c.n.RemoveInterface(neutrontest.As(c.t.Context(), "x", "admin"), r.ID, neutron.InterfaceSpec{SubnetID: sub.ID})
	if errI == nil {
		c.t.Fatal("an interface that a floating IP needs was removed")
	}
	for _, err := range []error{
		c.n.DeleteFloatingIP(c.ctx, f.ID), c.n.DeletePort(c.ctx, p.ID),
		func() error {
			_, err := c.n.RemoveInterface(c.ctx, r.ID, neutron.InterfaceSpec{SubnetID: sub.ID})
			return err
		}(),
		c.n.DeleteRouter(c.ctx, r.ID), c.n.DeleteNetwork(c.ctx, net.ID), c.n.DeleteNetwork(c.t.Context(), out.ID),
	} {
		if err != nil {
			c.t.Fatal(err)
		}
	}
	groups, err := c.n.SecurityGroups(c.t.Context(), neutron.Query{})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, g := range groups {
		if err := c.n.DeleteSecurityGroup(c.t.Context(), g.ID); err != nil {
			c.t.Fatal(err)
		}
	}
	for table := range nbTables {
		c.eventually("no "+table, func() bool { return c.count(table) == 0 })
	}
}

// What OVN makes of the rows, by following packets.
func TestPacketsAreAllowedAsTheRulesSay(t *testing.T) {
	c := startCloud(t)
	net, _ := neutrontest.Network(t, c.ctx, c.n, "p1", "10.1.0.0/24")
	a, b := c.port(net.ID, "p1"), c.port(net.ID, "p1")
	web, err := c.n.CreateSecurityGroup(c.ctx, neutron.SecurityGroupSpec{Common: neutron.Common{ProjectID: "p1", Name: neutron.Some("web")}})
	must(t, web, err)
	port := 80
	_, err = c.n.CreateRule(c.ctx, neutron.RuleSpec{ProjectID: "p1", GroupID: web.ID, Direction: "ingress", Ethertype: "IPv4", Protocol: "tcp", PortMin: &port, PortMax: &port, RemoteIPPrefix: "10.1.0.0/24"})
	must(t, 0, err)
	outsider, err := c.n.CreatePort(c.ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID, SecurityGroups: neutron.Some([]string{web.ID})})
	must(t, outsider, err)
	c.eventually("all ports", func() bool { return strings.Contains(c.ask("show"), outsider.ID) && c.count("ACL") == 4+2+1+2 })
	packet := func(from, to *neutron.Port, dport int) string {
		return fmt.Sprintf(`inport == "%s" && eth.src == %s && eth.dst == %s && ip4.src == %s && ip4.dst == %s && ip.ttl == 64 && tcp && tcp.dst == %d`,
			from.ID, from.MAC, to.MAC, from.FixedIPs[0].Address, to.FixedIPs[0].Address, dport)
	}
	for _, x := range []struct {
		what     string
		from, to *neutron.Port
		dport    int
		want     bool
	}{
		{"within the default group", a, b, 22, true},
		{"from outside the group", outsider, a, 22, false},
		{"to the open port", a, outsider, 80, true},
		{"to another port", a, outsider, 22, false},
	} {
		got := c.trace("neutron-"+net.ID, packet(x.from, x.to, x.dport))
		if passes := strings.Contains(got, `output("`+x.to.ID[:6]); passes != x.want {
			t.Errorf("%s: %v\n%s", x.what, passes, got)
		}
	}
	spoofed := strings.Replace(packet(a, b, 22), "ip4.src == "+a.FixedIPs[0].Address, "ip4.src == 10.1.0.250", 1)
	if got := c.trace("neutron-"+net.ID, spoofed); strings.Contains(got, "output") {
		t.Errorf("a spoofed packet passes\n%s", got)
	}
}

// Ports that OVN has up are active, and only while they are bound.
func TestPortsComeUp(t *testing.T) {
	c := startCloud(t)
	net, _ := neutrontest.Network(t, c.ctx, c.n, "p1", "10.1.0.0/24")
	got, err := c.n.AllocateForServer(c.ctx, neutron.ServerRequest{ServerID: "s1", ProjectID: "p1", NICs: []neutron.NIC{{NetworkID: net.ID}}})
	must(t, got, err)
	if err := c.n.BindPorts(c.ctx, "s1", "h1", ""); err != nil {
		t.Fatal(err)
	}
	id := got[0].ID
	c.eventually("bound", func() bool { return strings.Contains(c.ask("lsp-get-options", id), "requested-chassis=h1") })
	status := func() string { return must2p(t)(c.n.Port(c.ctx, id)).Status }
	if status() != neutron.Down {
		t.Fatal("up before it is")
	}
	c.kill("northd") // it would take the state back: no chassis has the port
	c.nbctl("set", "Logical_Switch_Port", id, "up=true")
	c.eventually("active", func() bool { return status() == neutron.Active })
	c.nbctl("set", "Logical_Switch_Port", id, "up=false")
	c.eventually("down", func() bool { return status() == neutron.Down })
}

func must2p(t testing.TB) func(p *neutron.Port, err error) *neutron.Port {
	return func(p *neutron.Port, err error) *neutron.Port { t.Helper(); return must(t, p, err) }
}

// What was lost, or changed by others, comes back; what is others' stays.
func TestTheDatabaseIsMended(t *testing.T) {
	c := startCloud(t)
	net, _ := neutrontest.Network(t, c.ctx, c.n, "p1", "10.1.0.0/24")
	p := c.port(net.ID, "p1")
	c.eventually("the port", func() bool { return strings.Contains(c.ask("show"), p.ID) })
	c.nbctl("ls-add", "somebody-elses")
	c.nbctl("lsp-del", p.ID)
	c.kill("nb")
	q := c.port(net.ID, "p1") // while the database is away
	c.database("nb")
	c.eventually("both ports", func() bool {
		s := c.ask("show")
		return strings.Contains(s, p.ID) && strings.Contains(s, q.ID) && strings.Contains(s, "somebody-elses")
	})
}

// A gateway is held by a host that is on its physical network.
func TestGatewaysAreOnHostsThatCan(t *testing.T) {
	c := startCloud(t)
	out, _ := neutrontest.Outside(t, neutrontest.As(t.Context(), "operator", "admin"), c.n, "203.0.113.0/24")
	for _, h := range []string{"h1", "h2"} {
		c.sbctl("chassis-add", h, "geneve", "192.0.2.1"+h[1:])
	}
	c.sbctl("set", "Chassis", "h2", "other_config:ovn-bridge-mappings=physnet1:br-ex")
	r := must2(t)(c.n.CreateRouter(c.ctx, neutron.RouterSpec{Common: common("p1"), Gateway: neutron.Some(neutron.Gateway{NetworkID: out.ID})}))
	c.eventually("the gateway on h2", func() bool {
		return c.ask("--bare", "--columns=chassis_name", "list", "Gateway_Chassis") == "h2"
	})
	c.sbctl("set", "Chassis", "h1", "other_config:ovn-bridge-mappings=physnet1:br-ex")
	c.eventually("the gateway on both", func() bool { return c.count("Gateway_Chassis") == 2 })
	if err := c.n.DeleteRouter(c.ctx, r.ID); err != nil {
		t.Fatal(err)
	}
	c.eventually("no gateway", func() bool { return c.count("Gateway_Chassis") == 0 })
}

// A change among many networks must not take as long as all of them.
func TestOneChangeIsCheap(t *testing.T) {
	c := startCloud(t)
	for i := range 100 {
		neutrontest.Network(t, neutrontest.As(t.Context(), "op", "admin"), c.n, fmt.Sprint("p", i), "10.1.0.0/24")
	}
	net, _ := neutrontest.Network(t, c.ctx, c.n, "p1", "10.2.0.0/24")
	c.eventually("all networks", func() bool { return c.count("Logical_Switch") == 101 })
	begin := time.Now()
	p := c.port(net.ID, "p1")
	c.eventually("the port", func() bool { return strings.Contains(c.ask("lsp-list", "neutron-"+net.ID), p.ID) })
	if took := time.Since(begin); took > 2*time.Second {
		t.Error("a port took", took)
	}
}

// BenchmarkReconcile is what it costs to look that nothing has to change, among 500
// networks.
func BenchmarkReconcile(b *testing.B) {
	c := startCloud(b)
	ctx := neutrontest.As(b.Context(), "op", "admin")
	for i := range 500 {
		net, _ := neutrontest.Network(b, ctx, c.n, fmt.Sprint("p", i), "10.1.0.0/24")
		for range 2 {
			if _, err := c.n.CreatePort(ctx, neutron.PortSpec{Common: common(fmt.Sprint("p", i)), NetworkID: net.ID}); err != nil {
				b.Fatal(err)
			}
		}
	}
	c.eventually("all networks", func() bool { return c.count("Logical_Switch") == 500 && c.count("Logical_Switch_Port") == 1500 })
	nb, err := c.f.open(b.Context(), "OVN_Northbound", c.f.NB, nbTables)
	if err != nil {
		b.Fatal(err)
	}
	defer nb.Close()
	sb, err := c.f.open(b.Context(), "OVN_Southbound", c.f.SB, sbTables)
	if err != nil {
		b.Fatal(err)
	}
	defer sb.Close()
	s := &session{f: c.f, nb: nb, sb: sb}
	nets, err := c.n.Networks(b.Context(), neutron.Query{})
	if err != nil {
		b.Fatal(err)
	}
	for name, keys := range map[string][]string{"all": nil, "one": {"network/" + nets[7].ID}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := s.reconcile(b.Context(), keys); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A connection that ends in the middle of a pass is an error, and no more.
func TestADatabaseGoesAwayInThePass(t *testing.T) {
	c := startCloud(t)
	nb, err := c.f.open(t.Context(), "OVN_Northbound", c.f.NB, nbTables)
	if err != nil {
		t.Fatal(err)
	}
	sb, err := c.f.open(t.Context(), "OVN_Southbound", c.f.SB, sbTables)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{f: c.f, nb: nb, sb: sb}
	nb.Close()
	<-nb.DisconnectNotify()
	c.eventually("the library to forget its rows", func() bool { return nb.Cache() == nil })
	if err := s.reconcile(t.Context(), nil); !errors.Is(err, errGone) {
		t.Error(err)
	}
	if err := s.watch(); !errors.Is(err, errGone) {
		t.Error(err)
	}
	s.statuses(t.Context(), neutron.Active)
	sb.Close()
}
