package daemon

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	nbSchema  = "/usr/share/ovn/ovn-nb.ovsschema"
	sbSchema  = "/usr/share/ovn/ovn-sb.ovsschema"
	ovsSchema = "/usr/share/openvswitch/vswitch.ovsschema"
)

// datapath is the kernel's if its module is there, else OVS's own.
func datapath() string {
	if !missing("/sys/module/openvswitch") || exec.Command("modprobe", "-q", "openvswitch").Run() == nil {
		return "system"
	}
	return "netdev"
}

// ovnProcesses are in the order they start in. Where the databases are decides
// where the switch makes its control sockets, so all share one directory.
func (h *Host) ovnProcesses() []process {
	db := func(name, sock string) process {
		return h.ovs(name, sock, "ovsdb-server", "--remote=punix:"+h.sock(sock), "--unixctl="+h.Run+"/run/"+name+".ctl",
			h.Run+"/ovn/"+name+".db")
	}
	var ps []process
	if h.Cluster != nil {
		ps = h.clusterProcesses()
	} else if h.databases() {
		sb := db("sb", "sb")
		sb.argv = append(sb.argv, h.sbListen()...)
		ps = append(ps, db("nb", "nb"), sb, h.ovs("northd", "", "ovn-northd", "--unixctl="+h.Run+"/run/northd.ctl", "--ovnnb-db="+h.NB(), "--ovnsb-db="+h.SB()))
	}
	if h.switches() {
		ps = append(ps, db("conf", "db"), h.ovs("vswitchd", "", "ovs-vswitchd", "--unixctl="+h.Run+"/run/vswitchd.ctl", h.OVSDB()),
			h.ovs("ovn-controller", "", "ovn-controller", h.OVSDB()))
	}
	return ps
}

// sbListen has the southbound database answer other hosts as well: where, it says itself.
func (h *Host) sbListen() []string {
	if h.SBListen == "" {
		return nil
	}
	return []string{"--remote=db:OVN_Southbound,SB_Global,connections", "--private-key=" + h.TLS.Key, "--certificate=" + h.TLS.Certificate, "--ca-cert=" + h.TLS.Authority}
}

// ovs is one of the OVS family, which share their flags. sock is the socket it answers on, if any.
func (h *Host) ovs(name, sock, program string, args ...string) process {
	argv := append([]string{program, "--detach", "--no-chdir", "-vconsole:off", "--pidfile=" + h.pidfile(name), "--log-file=" + h.log(name)}, args...)
	ready := func(context.Context) error { return nil }
	if sock != "" {
		ready = dials(h.sock(sock))
	}
	return process{name: name, pidfile: h.pidfile(name), argv: argv, env: h.ovsEnv(), detaches: true, log: h.log(name), ready: ready}
}

func (h *Host) ovsEnv() []string {
	var env []string
	for _, v := range []string{"OVS_RUNDIR", "OVN_RUNDIR", "OVS_DBDIR", "OVN_DBDIR"} {
		env = append(env, v+"="+h.Run+"/run")
	}
	return append(env, "OVS_LOGDIR="+h.Run+"/log", "OVN_LOGDIR="+h.Run+"/log")
}

func dials(sock string) func(context.Context) error {
	return func(context.Context) error {
		c, err := net.Dial("unix", sock)
		if err == nil {
			c.Close()
		}
		return err
	}
}

// schemas are those of the databases that this host has, by name. The package of those that
// only others have need not be here.
func (h *Host) schemas() map[string]string {
	all := map[string]string{}
	if h.databases() {
		all["nb"], all["sb"] = nbSchema, sbSchema
	}
	if h.switches() {
		all["conf"] = ovsSchema
	}
	return all
}

func (h *Host) ensureOVN(ctx context.Context) error {
	for name, schema := range h.schemas() {
		make := h.makeDB
		if h.Cluster != nil && name != "conf" {
			make = h.makeMember
		}
		if err := make(ctx, name, schema); err != nil {
			return err
		}
	}
	after := map[string]func(context.Context) error{
		"sb":       h.openSB,
		"northd":   h.initNB,
		"conf":     h.initOVS,
		"vswitchd": h.makeBridges,
	}
	if h.Cluster != nil { // what is in them is settled once most members are there
		delete(after, "sb")
		delete(after, "northd")
	}
	for _, p := range h.ovnProcesses() {
		if err := h.step(p.name, func() (bool, error) { return h.ensureProcess(ctx, p) }); err != nil {
			return err
		}
		if f := after[p.name]; f != nil {
			if err := f(ctx); err != nil {
				return err
			}
		}
	}
	if !h.switches() {
		return nil
	}
	return h.step("public network", func() (bool, error) { return h.ensureNetwork(ctx) })
}

// openSB lets other hosts' chassis in. What a host may change there is what is its own:
// its certificate's name is its chassis'.
func (h *Host) openSB(ctx context.Context) error {
	if h.SBListen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(h.SBListen)
	if err != nil {
		return err
	}
	want := "pssl:" + port + ":" + host
	sbctl := []string{"ovn-sbctl", "--timeout=20", "--db=" + h.SB()}
	have, err := h.output(ctx, append(sbctl, "get-connection")...)
	if err != nil || strings.Contains(have, want) {
		return err
	}
	return h.command(ctx, append(sbctl, "set-connection", "role=ovn-controller", want)...)
}

func (h *Host) ensureProcess(ctx context.Context, p process) (already bool, err error) {
	if _, ok := p.pid(); ok {
		return true, p.waitReady(ctx, nil)
	}
	err = p.start(ctx, h.NS())
	if _, ok := p.pid(); err != nil && ok { // one that a killed process had just started was first
		return true, p.waitReady(ctx, nil)
	}
	return false, err
}

// makeDB makes a database under another name first: a half-made one is none.
func (h *Host) makeDB(ctx context.Context, name, schema string) error {
	file := filepath.Join(h.DataDir, "ovn", name+".db")
	if !missing(file) {
		return nil
	}
	fresh := file + ".new"
	_ = os.Remove(fresh)
	if err := h.command(ctx, "ovsdb-tool", "create", fresh, schema); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}

func (h *Host) initNB(ctx context.Context) error {
	return h.command(ctx, "ovn-nbctl", "--timeout=20", "--db="+h.NB(), "init", "--", "set", "nb_global", ".", "name="+h.Name)
}

func (h *Host) initOVS(ctx context.Context) error {
	ids := map[string]string{
		"system-id":                h.Hostname,
		"hostname":                 h.Hostname,
		"ovn-remote":               cmp.Or(h.SBRemote, h.SB()),
		"ovn-encap-type":           "geneve",
		"ovn-encap-ip":             h.EncapIP,
		"ovn-bridge-datapath-type": h.Datapath,
		"ovn-monitor-all":          "true",
	}
	if h.Uplink != "" || h.Gateway.IsValid() {
		ids["ovn-bridge-mappings"] = h.Physnet + ":" + h.Bridge
	}
	args := []string{"ovs-vsctl", "--timeout=20", "--no-wait", "--db=" + h.OVSDB(), "init", "--", "set", "open_vswitch", "."}
	for k, v := range ids {
		args = append(args, fmt.Sprintf("external-ids:%s=%q", k, v))
	}
	if h.SBRemote != "" {
		args = append(args, "--", "set-ssl", h.TLS.Key, h.TLS.Certificate, h.TLS.Authority)
	}
	return h.command(ctx, args...)
}

func (h *Host) vsctl(ctx context.Context, args ...string) error {
	return h.command(ctx, append([]string{"ovs-vsctl", "--timeout=20", "--db=" + h.OVSDB()}, args...)...)
}

// makeBridges makes the integration bridge and the public network's.
func (h *Host) makeBridges(ctx context.Context) error {
	kind := "datapath_type=" + h.Datapath
	return h.vsctl(ctx,
		"--may-exist", "add-br", "br-int", "--", "set", "bridge", "br-int", kind, "fail-mode=secure", "other-config:disable-in-band=true", "--",
		"--may-exist", "add-br", h.Bridge, "--", "set", "bridge", h.Bridge, kind)
}

// dismantle ends vswitchd with its devices, which otherwise may outlive it.
func (h *Host) dismantle(ctx context.Context) {
	for _, p := range h.ovnProcesses() {
		if pid, ok := p.pid(); ok && p.name == "vswitchd" {
			_, _ = unixctl(ctx, h.Run+"/run/vswitchd.ctl", "exit", "--cleanup")
			for end := time.Now().Add(5 * time.Second); runs(pid, p.pidfile) && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
}

// Chassis reports whether ovn-controller is connected to the southbound database.
func (h *Host) Chassis(ctx context.Context) bool {
	pid, ok := livePID(h.pidfile("ovn-controller"), h.pidfile("ovn-controller"))
	if !ok {
		return false
	}
	answer, err := unixctl(ctx, fmt.Sprintf("%s/run/ovn-controller.%d.ctl", h.Run, pid), "connection-status")
	return err == nil && strings.TrimSpace(answer) == "connected"
}
