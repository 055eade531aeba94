package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"stackd/agent"
	"stackd/agent/daemon"
	"stackd/agent/node"
	"stackd/agent/wire"

	"github.com/spf13/cobra"
)

// agentOptions are what `stackd agent` is told.
type agentOptions struct {
	Data   string   `json:"data"`
	Name   string   `json:"name"`
	Netns  string   `json:"netns"`
	Host   string   `json:"host"`
	Listen string   `json:"listen"`
	Tunnel string   `json:"tunnel"`
	Uplink string   `json:"uplink,omitempty"`
	Accel  string   `json:"accel,omitempty"`
	Planes []string `json:"planes"`
	Sim    int      `json:"sim,omitempty"`

	Token      string `json:"-"`
	Background bool   `json:"-"`
	JoinOnly   bool   `json:"-"`
}

func (o *agentOptions) identity() wire.Identity {
	return wire.Identity{Dir: filepath.Join(o.Data, "tls"), Host: o.Host}
}

// folder is the node's as the other commands know it.
func (o *agentOptions) folder() *options { return &options{Data: o.Data} }

func agentCommand() *cobra.Command {
	o := &agentOptions{}
	c := &cobra.Command{Use: "agent", Short: "Run this machine as a node of a cloud whose control plane is elsewhere", Args: cobra.NoArgs,
		Long: `Run this machine as a node: its guests, networks and volumes. The first time it joins
by a token (stackd node token, on a control plane); from then on it has a certificate,
which it renews by itself. The token may also be in STACKD_JOIN_TOKEN, where no list of
processes shows it.`,
		Example: "  STACKD_JOIN_TOKEN=… stackd agent --plane 192.0.2.10:8780 --listen 192.0.2.11",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if o.JoinOnly && o.Sim == 0 {
				return o.join(c.Context(), o.identity())
			}
			if o.Background {
				if pid := running(o.folder()); pid != 0 {
					fmt.Printf("The node in %s is running already (process %d). Nothing was changed.\n", o.Data, pid)
					return nil
				}
				os.Setenv("STACKD_JOIN_TOKEN", o.Token)
				return background(o.folder())
			}
			ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer cancel()
			return o.run(ctx)
		}}
	f := c.Flags()
	f.StringVar(&o.Data, "data", "/var/lib/stackd", "folder for everything this node keeps")
	f.StringVar(&o.Name, "name", "stackd", "name of the cloud on this machine; links and sockets are named after it")
	f.StringVar(&o.Netns, "netns", daemon.HostNetns, "network namespace for all packets; \"host\" is the host's own")
	f.StringVar(&o.Host, "host", "", "name of this machine as a hypervisor (default: its host name)")
	f.StringVar(&o.Listen, "listen", "", "this machine's address that control planes reach")
	f.StringVar(&o.Tunnel, "tunnel", "", "this machine's address for tunnels to other hosts (default: that of --listen)")
	f.StringVar(&o.Uplink, "uplink", "", "link of this machine that becomes a port of br-ex: it is on the public network")
	f.StringVar(&o.Accel, "accel", "", "kvm or tcg (default: kvm if a probe guest runs under it)")
	f.StringSliceVar(&o.Planes, "plane", nil, "control planes, host:port, in the order they are tried")
	f.IntVar(&o.Sim, "sim", 0, "so many simulated hosts in place of this machine, named after it: HOST-1, HOST-2 …")
	f.BoolVar(&o.Background, "background", false, "return when the node is ready, and leave it running")
	f.BoolVar(&o.JoinOnly, "join-only", false, "join, and end")
	f.StringVar(&o.Token, "token", "", "join token, for the first time")
	return c
}

func (o *agentOptions) check() (err error) {
	o.Token = cmp.Or(o.Token, os.Getenv("STACKD_JOIN_TOKEN"))
	if o.Data, err = filepath.Abs(o.Data); err != nil {
		return err
	}
	if o.Host == "" {
		if o.Host, err = os.Hostname(); err != nil {
			return err
		}
	}
	if a, err := netip.ParseAddr(o.Listen); err != nil || a.IsUnspecified() {
		return fmt.Errorf("--listen %s: this machine's address that control planes reach is wanted, for example 192.0.2.11", o.Listen)
	}
	o.Tunnel = cmp.Or(o.Tunnel, o.Listen)
	if _, err := netip.ParseAddr(o.Tunnel); err != nil {
		return fmt.Errorf("--tunnel %s: an address is wanted", o.Tunnel)
	}
	if len(o.Planes) == 0 {
		return errors.New("--plane: where the control plane is must be told, for example --plane 192.0.2.10:8780")
	}
	for i, p := range o.Planes {
		if !strings.Contains(p, ":") {
			o.Planes[i] = net.JoinHostPort(p, strconv.Itoa(nodesPort))
		}
	}
	if os.Geteuid() != 0 && o.Sim == 0 {
		return errors.New("guests and networks need root; run as root")
	}
	return nil
}

// run is the node, until it is told to end. Guests go on without it.
func (o *agentOptions) run(ctx context.Context) error {
	held, err := lock(o.folder())
	if err != nil {
		return err
	}
	defer held.Close()
	out, events := stepsOut()
	defer logTo(o.folder(), events).Flush()
	s := newSteps(out, events)
	if err := o.save(); err != nil {
		return err
	}
	ready := func() {
		if err := sayReady(o.folder()); err != nil {
			slog.Warn("that this node is ready", "cause", err)
		}
		if events {
			s.tell(event{Ready: true})
			out.Close()
		}
	}
	if o.Sim > 0 {
		return o.simulate(ctx, s, ready)
	}
	id := o.identity()
	err = s.do("certificate", func() (bool, error) { return id.There(), o.join(ctx, id) })
	if err != nil {
		return err
	}
	p, err := wire.NewPlane(id, o.Planes)
	if err != nil {
		return err
	}
	site, err := o.site(ctx, p, s)
	if err != nil {
		return err
	}
	h, err := daemon.Up(ctx, o.daemons(id, site), s.progress)
	if err != nil {
		return err
	}
	at := net.JoinHostPort(o.Listen, strconv.Itoa(livePort))
	a := node.New(h, node.Options{Host: o.Host, IP: o.Tunnel, Plane: p, Tune: func(c *agent.Config) { c.LiveAt, c.Peers = at, wire.NewPeers(id) }})
	live, err := serveLive(given(o.folder()), at, id, a)
	if err != nil {
		return err
	}
	defer live.Close()
	s.progress("node "+o.Host, "running", 0)
	ready()
	go h.Watch(ctx, func(err error) { slog.Warn("daemons", "cause", err) })
	go p.Renew(ctx)
	a.Run(ctx)
	return nil
}

// site asks the control plane what the node has to know, until it answers.
func (o *agentOptions) site(ctx context.Context, p *wire.Plane, s *steps) (site wire.Site, err error) {
	var refused error
	err = s.do("control plane", func() (bool, error) {
		return true, waitFor(ctx, "the control plane", 5*time.Minute, time.Second, func() (bool, error) {
			site, refused = p.Site(ctx)
			return refused == nil || wire.Refused(refused), refused
		})
	})
	if refused != nil && err == nil {
		err = fmt.Errorf("%w To let it join anew, take away %s and give it a token", refused, filepath.Join(o.Data, "tls"))
	}
	return site, err
}

func (o *agentOptions) save() error {
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.Data, "node.json"), append(b, '\n'), 0o600)
}

// loadNode reads the options of the node in a data folder; nil when there is none.
func loadNode(data string) (*agentOptions, error) {
	b, err := os.ReadFile(filepath.Join(data, "node.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	o := &agentOptions{}
	if err == nil {
		err = json.Unmarshal(b, o)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(data, "node.json"), err)
	}
	return o, nil
}

func (o *agentOptions) join(ctx context.Context, id wire.Identity) error {
	if id.There() {
		return nil
	}
	if o.Token == "" {
		return errors.New("this machine has not joined yet; give it a token, made on a control plane with: stackd node token")
	}
	return id.Join(ctx, o.Planes, o.Token)
}

func (o *agentOptions) daemons(id wire.Identity, site wire.Site) daemon.Options {
	return daemon.Options{DataDir: o.Data, Name: o.Name, Netns: o.Netns, Hostname: o.Host, Accel: o.Accel, EncapIP: o.Tunnel, Uplink: o.Uplink, Role: daemon.Chassis,
		SBRemote: site.Southbound, TLS: daemon.TLS{Key: id.Key(), Certificate: id.Certificate(), Authority: id.Authority()}}
}

// serveLive answers control planes at an address.
func serveLive(s *sockets, at string, id wire.Identity, a *agent.Agent) (*http.Server, error) {
	c, err := id.LiveTLS()
	if err != nil {
		return nil, err
	}
	l, err := s.listen(at)
	s.rest()
	if err != nil {
		return nil, err
	}
	srv := bounded(wire.ServeNode(a, a), c)
	go func() {
		if err := srv.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("control planes cannot reach this node", "address", at, "cause", err)
		}
	}()
	return srv, nil
}

// down ends the node, its guests and its daemons.
func (o *agentOptions) down(s *steps) error {
	err := s.do("node", func() (bool, error) { return running(o.folder()) == 0, stop(o.folder(), 30*time.Second) })
	if err != nil {
		return err
	}
	id := o.identity()
	return s.do("guests, daemons, network", func() (bool, error) {
		return false, daemon.Down(context.Background(), o.daemons(id, wire.Site{}))
	})
}

// status says whether the node runs.
func (o *agentOptions) status(output string) error {
	pid := running(o.folder())
	switch {
	case output == "json":
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"data": o.Data, "running": pid != 0, "ready": isReady(o.folder()), "process": pid, "node": o.Host, "planes": o.Planes})
	case output != "text":
		return fmt.Errorf("--output %s: text or json is wanted", output)
	case pid == 0:
		fmt.Printf("The node %s in %s is not running.\n", o.Host, o.Data)
	default:
		fmt.Printf("The node %s in %s runs as process %d, for %s.\n", o.Host, o.Data, pid, strings.Join(o.Planes, ", "))
	}
	return nil
}
