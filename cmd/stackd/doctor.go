package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"stackd/agent/daemon"
	"stackd/agent/wire"
	"stackd/deploy/doctor"

	"github.com/spf13/cobra"
)

func doctorCommand() *cobra.Command {
	var data, output string
	var repair bool
	var only []string
	far := &installer{}
	c := &cobra.Command{Use: "doctor", Short: "Say what is wrong with this host, or with all hosts of a cloud, and mend it", Args: cobra.NoArgs,
		Long: `Look this host over: disk, KVM, clock, names, daemons (OVN, libvirt), certificates, and on a
controller the APIs, the nodes, and servers that are not as their rows say. With
--answer-file every host of that cloud is looked over by SSH, also for what the installer
made and somebody has changed since. --repair mends what can be mended.

It ends with status 1 while something is ill.`,
		Example: "  stackd doctor\n  stackd doctor --repair\n  stackd doctor --answer-file answers.txt --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			var all []doctor.Finding
			var err error
			if far.file != "" {
				far.repair = repair
				all, err = far.examined(c)
			} else {
				all, err = examineHere(c.Context(), data, only, repair)
			}
			if err != nil {
				return err
			}
			return tellFindings(c.OutOrStdout(), output, all)
		}}
	f := c.Flags()
	f.StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud or node")
	f.BoolVar(&repair, "repair", false, "mend what can be mended")
	f.StringVar(&output, "output", "text", "text or json")
	f.StringSliceVar(&only, "check", nil, "only these checks of this host (default: all)")
	f.StringVar(&far.file, "answer-file", "", "look at all hosts of the cloud that was installed by it")
	far.reach(c)
	return c
}

func tellFindings(out io.Writer, output string, all []doctor.Finding) error {
	if output == "json" {
		if err := json.NewEncoder(out).Encode(all); err != nil {
			return err
		}
	} else {
		w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
		for _, f := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Host, f.Check, strings.ToUpper(f.State), f.Words)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if doctor.Sick(all) {
		return errors.New("something is ill")
	}
	return nil
}

func examineHere(ctx context.Context, data string, only []string, repair bool) ([]doctor.Finding, error) {
	r, err := residentOf(data)
	if err != nil {
		return nil, err
	}
	host, checks := "", []doctor.Check(nil)
	if r.node != nil {
		host, checks = r.node.Host, r.nodeChecks()
	} else {
		host, checks = r.plane.Host, r.planeChecks()
	}
	if checks, err = chosen(checks, only); err != nil {
		return nil, err
	}
	return doctor.Examine(ctx, host, checks, repair), nil
}

// chosen are the checks of these names, all when none is named.
func chosen(checks []doctor.Check, only []string) (some []doctor.Check, err error) {
	if only == nil {
		return checks, nil
	}
	var names []string
	for _, c := range checks {
		names = append(names, c.Name)
		if slices.Contains(only, c.Name) {
			some = append(some, c)
		}
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("--check %s: this host has %s", name, strings.Join(names, ", "))
		}
	}
	return some, nil
}

// hostChecks are those of any host of a cloud.
func (r *resident) hostChecks() []doctor.Check {
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return []doctor.Check{doctor.Disk(r.folder.Data), doctor.Time(), doctor.Names(name, resolvConf)}
}

func (r *resident) nodeChecks() []doctor.Check {
	id := r.node.identity()
	return append(r.hostChecks(), doctor.KVM(r.node.Accel == "kvm"), r.running(), r.daemons(r.node.daemons(id, wire.Site{})),
		doctor.Certificate(id.Certificate(), "let it join anew: stackd node token --host "+r.node.Host+" on the controller", time.Now))
}

func (r *resident) planeChecks() []doctor.Check {
	o := r.plane
	all := r.hostChecks()
	if !o.Serve && o.Sim == 0 {
		all = append(all, doctor.KVM(o.Accel == "kvm"))
	}
	all = append(all, r.running())
	if o.packets() {
		all = append(all, r.daemons(o.daemons()))
	}
	if o.TLSCert != "" {
		all = append(all, doctor.Certificate(o.TLSCert, "put a new one there and start stackd again", time.Now))
	}
	return append(all, o.cloudChecks()...)
}

// running sees that the program runs; what ended is started again as it ran.
func (r *resident) running() doctor.Check {
	return doctor.Check{Name: "stackd", Look: func(context.Context) (string, string) {
		if pid := running(r.folder); pid != 0 {
			return doctor.Well, fmt.Sprintf("it runs as process %d", pid)
		}
		return doctor.Ill, "it does not run; guests go on, but nothing changes"
	}, Mend: func(ctx context.Context) error {
		self, err := r.program()
		if err == nil {
			err = r.start(ctx, self)
		}
		return err
	}}
}

// daemons sees that OVN's and libvirt's run. The program itself starts what has died, so
// that mending is to wait for it; what only does not answer is told.
func (r *resident) daemons(o daemon.Options) doctor.Check {
	look := func(ctx context.Context) (string, string) {
		all, err := daemon.Ill(ctx, o)
		switch {
		case err != nil:
			return doctor.Ill, err.Error()
		case len(all) > 0:
			return doctor.Ill, fmt.Sprintf("not running, or not answering: %s; see %s/log", strings.Join(all, ", "), r.folder.Data)
		}
		return doctor.Well, "OVN and libvirt answer"
	}
	return doctor.Check{Name: "daemons", Look: look, Mend: func(ctx context.Context) error {
		return waitFor(ctx, "daemons", 30*time.Second, 500*time.Millisecond, func() (bool, error) {
			state, words := look(ctx)
			return state != doctor.Ill, errors.New(words)
		})
	}}
}
