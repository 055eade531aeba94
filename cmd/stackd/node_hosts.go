package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"stackd/agent/daemon"
	"stackd/agent/join"
	"stackd/deploy"
	"stackd/deploy/answers"
	"stackd/internal/client"

	"github.com/spf13/cobra"
)

const computeHosts = "CONFIG_COMPUTE_HOSTS"

func nodeAddCommand() *cobra.Command {
	in := &installer{}
	c := &cobra.Command{Use: "add ADDRESS", Short: "Make a host one more node of a cloud that was installed by an answer file", Args: cobra.ExactArgs(1),
		Long: `Make a host one more node of a cloud that was installed by an answer file, over SSH: the
host is looked at, prepared and let in, and all others learn its name. When that has gone
well the answer file names it.`,
		Example: "  stackd node add 192.0.2.14 --answer-file answers.txt",
		RunE: func(c *cobra.Command, args []string) error {
			in.out = c.OutOrStdout()
			return in.changed(c, func(hosts []string) ([]string, error) {
				if slices.Contains(hosts, args[0]) {
					return nil, fmt.Errorf("%s names %s already; to finish an installation, run it again", in.file, args[0])
				}
				return append(hosts, args[0]), nil
			}, nil)
		}}
	in.whole(c)
	return c
}

// whole are the flags of what changes a cloud by its answer file.
func (in *installer) whole(c *cobra.Command) {
	c.Flags().StringVar(&in.file, "answer-file", "", "the file that the cloud was installed by")
	c.Flags().BoolVarP(&in.debug, "debug", "d", false, "show the log too")
	in.reach(c)
}

// changed installs the cloud with other compute hosts than its answer file names, and has
// the file name them once that has gone well. What is done first sees the old plan.
func (in *installer) changed(c *cobra.Command, to func([]string) ([]string, error), first func(context.Context, *deploy.Run) error) error {
	if in.file == "" {
		return errors.New("--answer-file: the file that the cloud was installed by is wanted")
	}
	a, err := in.collect(c)
	if err != nil {
		return err
	}
	hosts, err := to(a.List(computeHosts))
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if first != nil {
		if err := in.before(ctx, a, first); err != nil {
			return err
		}
	}
	a[computeHosts] = strings.Join(hosts, ",")
	p, err := deploy.NewPlan(a)
	if err == nil {
		err = in.perform(ctx, p)
	}
	if err != nil {
		return err
	}
	return answers.Change(in.file, computeHosts, a[computeHosts])
}

// before does something with the cloud as the answers have it.
func (in *installer) before(ctx context.Context, a answers.Answers, do func(context.Context, *deploy.Run) error) error {
	p, err := deploy.NewPlan(a)
	if err != nil {
		return err
	}
	s := &deploy.Screen{Out: in.out}
	r, log, err := in.ready(p, s)
	if err != nil {
		return err
	}
	defer log.Close()
	return do(ctx, r)
}

func nodeRemoveCommand() *cobra.Command {
	in := &installer{}
	data, evacuate := "", false
	c := &cobra.Command{Use: "remove HOST", Short: "Take a node off a cloud", Args: cobra.ExactArgs(1),
		Long: `Take a node off a cloud: its certificate is worth nothing any more, at once, and the cloud
forgets the host. A node that has servers is not taken off; see stackd node drain.

With --answer-file HOST is an address: its servers are moved away, the host is given back as
it was before the installation, all others forget its name, and so does the answer file.
A host that is dead is forgotten without being given back. With --evacuate servers that are
on it are built anew on other nodes, with fresh local disks (see stackd node drain); without,
it is not forgotten as long as it has any.`,
		Example: "  stackd node drain compute1 && stackd node remove compute1\n  stackd node remove 192.0.2.14 --answer-file answers.txt",
		RunE: func(c *cobra.Command, args []string) error {
			in.out = c.OutOrStdout()
			if in.file == "" && evacuate {
				return fmt.Errorf("--evacuate goes with --answer-file; on a controller: stackd node drain %s --evacuate", args[0])
			}
			if in.file == "" {
				return forget(c.Context(), data, args[0])
			}
			return in.changed(c, func(hosts []string) ([]string, error) {
				rest := slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return h == args[0] })
				if len(rest) == len(hosts) {
					return nil, fmt.Errorf("%s names no compute host %s; it names %s", in.file, args[0], strings.Join(hosts, ", "))
				}
				return rest, nil
			}, func(ctx context.Context, r *deploy.Run) error { return r.Remove(ctx, args[0], evacuate) })
		}}
	c.Flags().StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	c.Flags().BoolVar(&evacuate, "evacuate", false, "the host is dead: build its servers anew on others")
	in.whole(c)
	return c
}

// forget takes a node's certificate its worth, if it has no servers, and its service away.
// Without a cloud that runs nobody can say what servers there are.
func forget(ctx context.Context, data, host string) error {
	o, err := load(data)
	if err != nil {
		return err
	}
	var c *client.Client
	if running(o) != 0 {
		if c, err = o.unburdened(ctx, host); err != nil {
			return err
		}
	}
	err = withGate(ctx, data, func(g *join.Gate) error {
		was, err := g.Forget(ctx, host)
		if err == nil && !was {
			return fmt.Errorf("host %s is no node; see: stackd node list", host)
		}
		return err
	})
	if err != nil || c == nil {
		return err
	}
	if err := forgetService(ctx, c, host); err != nil || !o.packets() {
		return err
	}
	return daemon.ForgetChassis(ctx, o.daemons(), host)
}

// unburdened signs in, and sees that a host has no servers.
func (o *options) unburdened(ctx context.Context, host string) (*client.Client, error) {
	c, err := signIn(ctx, o, o.readLogin("admin"))
	if err != nil {
		return nil, err
	}
	all, err := tenants(ctx, c, host)
	if err == nil && len(all) > 0 {
		err = fmt.Errorf("node %s has %d servers; move them away first: stackd node drain %s, or if it is dead, build them anew elsewhere: --evacuate", host, len(all), host)
	}
	return c, err
}

// forgetService deletes the service that ran servers on a host, and its network agents.
func forgetService(ctx context.Context, c *client.Client, host string) error {
	at := url.QueryEscape(host)
	var out struct {
		Services []service
		Agents   []struct{ ID string }
	}
	if err := c.Do(ctx, "GET", "compute", "/os-services?binary=nova-compute&host="+at, nil, &out); err != nil {
		return err
	}
	for _, s := range out.Services {
		if err := c.Do(ctx, "DELETE", "compute", "/os-services/"+s.ID, nil, nil); err != nil {
			return err
		}
	}
	if err := c.Do(ctx, "GET", "network", "/agents?host="+at, nil, &out); err != nil {
		return err
	}
	for _, a := range out.Agents {
		if err := c.Do(ctx, "DELETE", "network", "/agents/"+a.ID, nil, nil); err != nil {
			return err
		}
	}
	return nil
}
