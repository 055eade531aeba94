package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stackd/deploy/answers"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

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
