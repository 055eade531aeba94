package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"stackd/deploy"
	"stackd/deploy/answers"
	"stackd/deploy/doctor"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// installer is what `stackd install` is told.
type installer struct {
	gen, file, validate, hosts, password, logs string
	allInOne, dryRun, debug, newHosts          bool
	uninstall, upgrade, repair                 bool
	timeout                                    int
	values                                     map[string]*string // by key
	out                                        io.Writer
}

func installCommand(use string) *cobra.Command {
	in := &installer{values: map[string]*string{}}
	c := &cobra.Command{Use: use, Short: "Make a cloud of several hosts, by packstack's answer files", Args: cobra.NoArgs,
		Long: `Make a cloud of several hosts over SSH, from packstack's answer file or its flags. All
hosts are looked at before anything is changed. A run may be repeated at any time: what is
done already is left alone. docs/answer-file.md says what becomes of every parameter.`,
		Example: "  stackd install --gen-answer-file answers.txt\n  stackd install --answer-file answers.txt\n  stackd install --install-hosts 192.0.2.10,192.0.2.11",
		RunE:    func(c *cobra.Command, _ []string) error { in.out = c.OutOrStdout(); return in.run(c) }}
	in.flags(c)
	for _, p := range answers.Parameters {
		if p.Flag == "" || c.Flags().Lookup(p.Flag[2:]) != nil {
			continue
		}
		in.values[p.Key] = c.Flags().String(p.Flag[2:], "", p.Words)
		c.Flags().MarkHidden(p.Flag[2:]) // there are near three hundred: the answer file names them
	}
	return c
}

func uninstallCommand() *cobra.Command {
	in := &installer{uninstall: true}
	c := &cobra.Command{Use: "uninstall", Short: "Take a cloud off its hosts again, its servers and volumes with it", Args: cobra.NoArgs,
		Example: "  stackd uninstall --answer-file answers.txt",
		RunE: func(c *cobra.Command, _ []string) error {
			in.out = c.OutOrStdout()
			if in.file == "" {
				return errors.New("--answer-file: the file that the cloud was installed by is wanted")
			}
			return in.run(c)
		}}
	in.flags(c)
	return c
}

func (in *installer) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&in.file, "answer-file", "", "the answers, in a file")
	in.reach(c)
	f.BoolVarP(&in.debug, "debug", "d", false, "show the log too")
	f.BoolVarP(&in.dryRun, "dry-run", "y", false, "look at the hosts and say what would be done")
	if in.uninstall {
		return
	}
	f.StringVar(&in.gen, "gen-answer-file", "", "write an answer file to fill in, and end")
	f.StringVar(&in.validate, "validate-answer-file", "", "say what is wrong in an answer file, and end")
	f.StringVar(&in.hosts, "install-hosts", "", "addresses: the first is the controller, the others run guests; one alone does both")
	f.BoolVar(&in.allInOne, "allinone", false, "everything on this machine")
}

// reach are the flags of whatever goes to hosts by SSH.
func (in *installer) reach(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&in.password, "ssh-password", "", "root's password on the hosts, where no key opens them (or in STACKD_SSH_PASSWORD)")
	f.BoolVar(&in.newHosts, "accept-new-hosts", false, "let hosts in whose SSH keys are seen for the first time")
	f.StringVar(&in.logs, "log-dir", "/var/tmp/stackd", "folder for the logs of runs")
	f.IntVarP(&in.timeout, "timeout", "t", 300, "seconds that a host may take for one part")
}

func (in *installer) run(c *cobra.Command) error {
	switch {
	case in.validate != "":
		if _, err := answers.ReadFile(in.validate); err != nil {
			return err
		}
		fmt.Fprintln(in.out, "Provided answerfile does not contain any unexpected options.")
		return nil
	case in.gen != "":
		a, err := in.collect(c)
		if err != nil {
			return err
		}
		return a.WriteFile(in.gen)
	}
	a, err := in.collect(c)
	if err != nil {
		return err
	}
	p, err := deploy.NewPlan(a)
	if err != nil {
		return fmt.Errorf("failed handling answer file: %w", err)
	}
	ctx, cancel := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	return in.perform(ctx, p)
}

// perform does the run, on packstack's screen.
func (in *installer) perform(ctx context.Context, p *deploy.Plan) error {
	s := &deploy.Screen{Out: in.out, Colour: in.out == os.Stdout && term.IsTerminal(1)}
	for _, n := range p.Notes {
		s.Note(n)
	}
	r, log, err := in.ready(p, s)
	if err != nil {
		return err
	}
	defer log.Close()
	s.Say("Welcome to the stackd setup utility\n\nThe installation log file is available at: %s\n\nInstalling:", log.Name())
	began := time.Now()
	switch {
	case in.uninstall:
		err = r.Uninstall(ctx)
	case in.upgrade:
		err = r.Upgrade(ctx)
	default:
		err = r.Install(ctx)
	}
	return in.close(s, r, p, log.Name(), time.Since(began), err)
}

// ready is a run of the plan, with its log in a folder of its own.
func (in *installer) ready(p *deploy.Plan, s *deploy.Screen) (*deploy.Run, *os.File, error) {
	dir := filepath.Join(in.logs, time.Now().Format("20060102-150405-")+strings.ToLower(rand.Text()[:6]))
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	latest := filepath.Join(in.logs, "latest")
	os.Remove(latest)
	if err := os.Symlink(dir, latest); err != nil {
		return nil, nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "openstack-setup.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	opener := deploy.Opener{Home: home, Password: firstOf(in.password, os.Getenv("STACKD_SSH_PASSWORD")), NewHosts: in.newHosts}
	r := &deploy.Run{Plan: p, Program: self, Open: opener.Open, Screen: s, Log: log, DryRun: in.dryRun, Timeout: time.Duration(in.timeout) * time.Second}
	if in.debug {
		r.Log = io.MultiWriter(log, os.Stderr)
	}
	return r, log, nil
}

// examined looks all hosts of the plan over.
func (in *installer) examined(c *cobra.Command) ([]doctor.Finding, error) {
	a, err := in.collect(c)
	if err != nil {
		return nil, err
	}
	p, err := deploy.NewPlan(a)
	if err != nil {
		return nil, fmt.Errorf("failed handling answer file: %w", err)
	}
	r, log, err := in.ready(p, &deploy.Screen{Out: io.Discard})
	if err != nil {
		return nil, err
	}
	defer log.Close()
	ctx, cancel := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	return r.Examine(ctx, in.repair)
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// close shows how the run ended.
func (in *installer) close(s *deploy.Screen, r *deploy.Run, p *deploy.Plan, log string, took time.Duration, err error) error {
	if err != nil {
		s.Say("")
		for _, line := range strings.Split(err.Error(), "\n") {
			s.Red("ERROR : %s", line)
		}
		s.Red("Please check log file %s for more information", log)
		s.Additional()
		return errors.New("the run did not end well; what is mended, run it again")
	}
	what := "Installation"
	switch {
	case in.uninstall:
		what = "Removal"
	case in.dryRun:
		what = "Dry run"
	case in.upgrade:
		what = "Upgrade"
	}
	s.Say("\n **** %s completed successfully ******", what)
	if !in.uninstall && !in.dryRun {
		s.Note(fmt.Sprintf("%d steps acted, in %s", len(r.Acts()), took.Round(time.Second)))
	}
	if !in.uninstall && !in.dryRun && !in.upgrade {
		s.Note(fmt.Sprintf("File /root/keystonerc_admin has been created on OpenStack client host %s. To use the command line tools you need to source the file.", p.Controller))
		if p.Answers.Yes("CONFIG_PROVISION_DEMO") {
			s.Note("File /root/keystonerc_demo is there too, of a demo project.")
		}
		s.Note("Clients find the cloud by name as well: openstack --os-cloud admin")
		s.Note(fmt.Sprintf("To access the OpenStack Dashboard browse to http://%s:9000/dashboard . Please, find your login credentials stored in the keystonerc_admin in your home directory.", firstOf(p.Endpoint, p.Controller)))
	}
	s.Note("The installation log file is available at: " + log)
	s.Additional()
	return nil
}
