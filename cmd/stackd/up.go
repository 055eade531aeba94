package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"stackd/agent/daemon"
	"stackd/cloud"
	"stackd/horizon"
	"stackd/internal/loglevel"

	"github.com/spf13/cobra"
)

func upCommand() *cobra.Command {
	o := &options{}
	c := &cobra.Command{Use: "up", Short: "Make a running cloud of this machine", Args: cobra.NoArgs,
		Long: `Make a running cloud of this machine: control plane, hypervisor and networks.

What is missing is made (database, keys, administrator, daemons, bridges); what is
there is left as it is, and guests that run go on. All packets live in a network
namespace of their own unless --netns host is given.`,
		Example: "  stackd up --demo\n  stackd up --background --data /srv/cloud --listen 192.0.2.10",
		RunE: func(*cobra.Command, []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if o.Background {
				return inBackground(o)
			}
			return up(o)
		}}
	o.flags(c)
	return c
}

func serveCommand() *cobra.Command {
	o := &options{Serve: true}
	c := &cobra.Command{Use: "serve", Short: "Run the control plane alone, for nodes on other hosts", Args: cobra.NoArgs,
		Long: `Run the control plane: all APIs, OVN's databases and the work behind them. Guests run
on other hosts, which join with:  stackd agent --plane ADDRESS --token TOKEN
(a token is made here with: stackd node token).`,
		Example: "  stackd serve --listen 192.0.2.10 --background",
		RunE: func(*cobra.Command, []string) error {
			if o.Netns == "" {
				o.Netns = daemon.HostNetns
			}
			if o.Nodes == "" {
				o.Nodes = net.JoinHostPort(o.Listen, strconv.Itoa(nodesPort))
			}
			if err := o.check(); err != nil {
				return err
			}
			if o.Background {
				return inBackground(o)
			}
			return up(o)
		}}
	o.flags(c)
	return c
}

// stepsFD is where a background process tells of its steps.
const stepsFD = "STACKD_STEPS"

func inBackground(o *options) error {
	if pid := running(o); pid != 0 {
		return already(o, pid)
	}
	err := background(o)
	if err == nil {
		fmt.Print(summary(o))
	}
	return err
}

// background starts this program again, on its own, and waits until it is ready.
func background(o *options) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Data, 0o755); err != nil {
		return err
	}
	log, err := openLog(o)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{}
	for _, a := range os.Args[1:] {
		if a != "--background" {
			args = append(args, a)
		}
	}
	child := exec.Command(self, args...)
	child.Stdout, child.Stderr = log, log
	child.ExtraFiles = []*os.File{w}
	child.Env = append(os.Environ(), stepsFD+"=3")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return err
	}
	w.Close()
	if !newSteps(os.Stdout, false).follow(r) {
		child.Wait()
		return fmt.Errorf("it did not come up; see %s", o.path("stackd.log"))
	}
	return nil
}

// already is `up` on a running cloud: nothing changes but a demo that is asked for.
func already(o *options, pid int) error {
	have, err := load(o.Data)
	if err != nil {
		return err
	}
	if o.Demo {
		have.Demo, have.DemoImage = true, o.DemoImage
		s := newSteps(os.Stdout, false)
		if err := demo(context.Background(), have, s); err != nil {
			return err
		}
	}
	fmt.Printf("The cloud in %s is running already (process %d). Nothing was changed.\n", o.Data, pid)
	fmt.Print(summary(have))
	return nil
}

// up is the cloud itself, until it is told to end.
func up(o *options) error {
	held, err := lock(o)
	if err != nil {
		return err
	}
	defer held.Close()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	out, events := stepsOut()
	defer logTo(o, events).Flush()
	s := newSteps(out, events)
	if err := o.save(); err != nil {
		return err
	}
	p, err := start(ctx, o, s)
	if err != nil {
		if p != nil {
			p.stop()
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil
		}
		return err
	}
	if o.Demo {
		if err := demo(ctx, o, s); err != nil && ctx.Err() == nil {
			s.tell(event{Text: fmt.Sprintf("\nThe cloud runs, but its demo is not complete: %v\n", err)})
		}
	}
	if err := sayReady(o); err != nil {
		slog.Warn("that this cloud is ready", "cause", err)
	}
	if events {
		s.tell(event{Ready: true})
		out.Close()
	} else {
		fmt.Print(summary(o))
	}
	<-ctx.Done()
	slog.Info("ending", "guests", "go on", "data", o.Data)
	p.stop()
	return nil
}

// stepsOut is where the steps are told: as events to a process that waits for them, or
// as words to people.
func stepsOut() (out *os.File, events bool) {
	if os.Getenv(stepsFD) == "" {
		return os.Stdout, false
	}
	syscall.CloseOnExec(3)
	return os.NewFile(3, "steps"), true
}

// levels say how much of the program's log is kept: all that is Info, until somebody asks.
var levels = &loglevel.Levels{}

// logTo sends the log, as JSON lines, to a file; a background process has it as its output.
func logTo(o *options, events bool) *logWriter {
	var w io.Writer = os.Stderr
	if !events {
		if f, err := openLog(o); err == nil {
			w = f
		}
	}
	l := &logWriter{w: w}
	all := slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})
	slog.SetDefault(slog.New(levels.Over(all, cloud.Loggers)))
	return l
}

// mostLog is how large the log may be when a cloud starts; then it becomes stackd.log.1.
const mostLog = 64 << 20

func openLog(o *options) (*os.File, error) {
	name := o.path("stackd.log")
	if st, err := os.Stat(name); err == nil && st.Size() > mostLog {
		if err := os.Rename(name, name+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}

func summary(o *options) string {
	return fmt.Sprintf(`
The cloud is ready.
  APIs         %s (identity; others beside it), all under %s
  dashboard    %s%s/
  credentials  %s
               %s (export OS_CLIENT_CONFIG_FILE to use it)
  log          %s
Try:
  . %s
  openstack server list --all-projects
  openstack catalog list
  openstack network agent list
Stop it with:  stackd down --data %s   (make down, if make up started it)
`, o.address(5000), o.address(o.OnePort), o.address(o.OnePort), horizon.Root, credentials(o), o.path("clouds.yaml"), o.path("stackd.log"), o.path("keystonerc_admin"), o.Data)
}

func credentials(o *options) string {
	text := o.path("keystonerc_admin")
	if _, err := os.Stat(o.path("keystonerc_demo")); err == nil {
		text += ", " + o.path("keystonerc_demo")
	}
	return text
}

// waitFor asks ready again and again until it says yes, or the time is over.
func waitFor(ctx context.Context, what string, most, every time.Duration, ready func() (bool, error)) error {
	end := time.Now().Add(most)
	for {
		ok, err := ready()
		if ok || ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within %s (%v)", what, most, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
}
