package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
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

// collect is the answers: from a file, flags, hosts, or questions.
func (in *installer) collect(c *cobra.Command) (answers.Answers, error) {
	a, given := answers.Answers{}, false
	if in.file != "" {
		var err error
		if a, err = answers.ReadFile(in.file); err != nil {
			return nil, err
		}
		given = true
	}
	for _, p := range answers.Parameters {
		if p.Flag == "" || in.values[p.Key] == nil || !c.Flags().Changed(p.Flag[2:]) {
			continue
		}
		if in.file != "" {
			return nil, fmt.Errorf("%s cannot go with --answer-file: change the file", p.Flag)
		}
		if err := a.Set(p.Key, *in.values[p.Key]); err != nil {
			return nil, err
		}
		given = true
	}
	facts := here()
	if in.allInOne {
		in.hosts = facts.Address
	}
	if in.hosts != "" {
		if in.file != "" {
			return nil, errors.New("--install-hosts and --allinone cannot go with --answer-file: change the file")
		}
		spread(a, strings.Split(in.hosts, ","))
		given = true
	}
	if !given && in.gen == "" {
		if err := in.ask(a, facts); err != nil {
			return nil, err
		}
	}
	a.Fill(facts)
	if in.file == "" && in.gen == "" {
		return a, in.keep(a)
	}
	return a, nil
}

// spread puts roles on hosts as --install-hosts does.
func spread(a answers.Answers, hosts []string) {
	computes := hosts[1:]
	if len(hosts) == 1 {
		computes = hosts
	}
	for _, p := range answers.Parameters {
		if strings.HasSuffix(p.Key, "_HOST") && p.Default == "@address" {
			a[p.Key] = hosts[0]
		}
	}
	a["CONFIG_NETWORK_HOSTS"], a["CONFIG_COMPUTE_HOSTS"] = hosts[0], strings.Join(computes, ",")
}

// keep writes the answers of a run without a file, so that it can be repeated.
func (in *installer) keep(a answers.Answers) error {
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	name := filepath.Join(home, "packstack-answers-"+time.Now().Format("20060102-150405")+".txt")
	if err := a.WriteFile(name); err != nil {
		return err
	}
	fmt.Fprintf(in.out, "The answers are kept in %s. Repeat with --answer-file: the passwords are in it.\n", name)
	return nil
}

// here are this machine's facts.
func here() answers.Facts {
	f := answers.Facts{Address: "127.0.0.1"}
	f.Hostname, _ = os.Hostname()
	// The address that leads outside; no packet is sent.
	if c, err := net.Dial("udp", "192.0.2.1:9"); err == nil {
		f.Address, _, _ = net.SplitHostPort(c.LocalAddr().String())
		c.Close()
	}
	if home, err := os.UserHomeDir(); err == nil {
		for _, k := range []string{"id_ed25519.pub", "id_rsa.pub"} {
			if name := filepath.Join(home, ".ssh", k); f.SSHKey == "" && exists(name) {
				f.SSHKey = name
			}
		}
	}
	return f
}

func exists(name string) bool { _, err := os.Stat(name); return err == nil }

// ask asks for the parameters that do what they say.
func (in *installer) ask(a answers.Answers, f answers.Facts) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("nothing was asked for: give --answer-file, --install-hosts or --allinone (see --help)")
	}
	lines := bufio.NewReader(os.Stdin)
	usual := answers.Answers{}
	usual.Fill(f)
	for _, p := range answers.Parameters {
		if p.Verdict != answers.Honoured {
			continue
		}
		for {
			v, err := in.question(lines, p, usual[p.Key])
			if err != nil {
				return err
			}
			if v == "" {
				v = usual[p.Key]
			}
			if err = a.Set(p.Key, v); err == nil {
				break
			}
			fmt.Fprintln(in.out, err)
		}
	}
	fmt.Fprint(in.out, "Proceed with the configuration listed above? (yes|no): ")
	yes, err := lines.ReadString('\n')
	if err == nil && strings.TrimSpace(yes) != "yes" {
		err = errors.New("nothing was done")
	}
	return err
}

func (in *installer) question(lines *bufio.Reader, p answers.Parameter, usual string) (string, error) {
	text := strings.ToUpper(p.Words[:1]) + p.Words[1:]
	if p.Options != nil {
		text += " [" + strings.Join(p.Options, "|") + "]"
	}
	if p.Masked() {
		fmt.Fprintf(in.out, "%s (not shown): ", text)
		b, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(in.out)
		return string(b), err
	}
	fmt.Fprintf(in.out, "%s  [%s] : ", text, usual)
	v, err := lines.ReadString('\n')
	return strings.TrimSpace(v), err
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
		s.Note(fmt.Sprintf("To access the OpenStack Dashboard browse to http://%s:9000/dashboard . Please, find your login credentials stored in the keystonerc_admin in your home directory.", p.Controller))
	}
	s.Note("The installation log file is available at: " + log)
	s.Additional()
	return nil
}
