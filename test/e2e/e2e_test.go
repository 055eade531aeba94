//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"

	"golang.org/x/crypto/ssh"
)

// A bench is one cloud and who uses it.
type bench struct {
	t     *testing.T
	cloud *cloudtest.Cloud
	dir   string
	env   map[string]string // whom openstack acts as
}

func newBench(t *testing.T, args ...string) *bench {
	t.Helper()
	b := makeBench(t, args...)
	b.up()
	return b
}

// makeBench is newBench of a cloud that is not up yet.
func makeBench(t *testing.T, args ...string) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("", "stackd-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	c, err := cloudtest.New(dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, cloud: c, dir: dir}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(c.Data, "stackd.log"))
			keep := filepath.Join(os.TempDir(), "stackd-e2e-failed.log")
			os.WriteFile(keep, log, 0o600)
			t.Logf("the cloud's log is in %s", keep)
			b.consoles()
		}
		if err := c.Down(); err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	return b
}

// consoles shows what guests said last.
func (b *bench) consoles() {
	if b.env == nil {
		return
	}
	names, _ := b.try("server", "list", "--all-projects", "-f", "value", "-c", "ID")
	for id := range strings.FieldsSeq(names) {
		said, err := b.try("console", "log", "show", id, "--lines", "30")
		b.t.Logf("the guest of server %s said: %v\n%s", id, err, said)
	}
}

func (b *bench) up() {
	b.t.Helper()
	if err := b.cloud.Up(); err != nil {
		b.t.Fatal(err)
	}
	env, err := b.cloud.Login("admin")
	if err != nil {
		b.t.Fatal(err)
	}
	if b.env == nil {
		b.env = env
	}
}

// openstack runs the client; its output is the test's.
func (b *bench) openstack(args ...string) string {
	b.t.Helper()
	out, err := b.try(args...)
	if err != nil {
		b.t.Fatalf("openstack %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (b *bench) try(args ...string) (string, error) {
	cmd := exec.Command("openstack", args...)
	cmd.Env = os.Environ()
	for k, v := range b.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	err := cmd.Run()
	if err != nil {
		return bad.String(), err
	}
	return strings.TrimSpace(out.String()), nil
}

// as is the same cloud used by someone else.
func (b *bench) as(user, project, password string) *bench {
	c := *b
	c.env = map[string]string{}
	for k, v := range b.env {
		c.env[k] = v
	}
	c.env["OS_USERNAME"], c.env["OS_PROJECT_NAME"], c.env["OS_PASSWORD"] = user, project, password
	return &c
}

// until waits for f to say yes.
func until(t *testing.T, what string, most time.Duration, f func() (bool, string)) {
	t.Helper()
	end := time.Now().Add(most)
	for {
		ok, now := f()
		if ok {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s: %s", what, most, now)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// status waits until a server has a status.
func (b *bench) status(server, want string) {
	b.t.Helper()
	until(b.t, server+" to be "+want, 3*time.Minute, func() (bool, string) {
		s := b.openstack("server", "show", server, "-f", "value", "-c", "status")
		if s == "ERROR" && want != "ERROR" {
			b.t.Fatal(server, b.openstack("server", "show", server, "-f", "value", "-c", "fault"))
		}
		return s == want, s
	})
}

// A guest is a server that answers ssh.
type guest struct {
	address string
	key     ssh.Signer
}

func (g guest) run(command string) (string, error) {
	c, err := net.DialTimeout("tcp", g.address+":22", 4*time.Second)
	if err != nil {
		return "", err
	}
	return over(c, g.address, g.key, command)
}

// over runs a command by ssh over a connection to a guest.
func over(raw net.Conn, address string, key ssh.Signer, command string) (string, error) {
	defer raw.Close()
	if err := raw.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return "", err
	}
	cfg := &ssh.ClientConfig{User: "cirros", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 4 * time.Second}
	conn, chans, reqs, err := ssh.NewClientConn(raw, address, cfg)
	if err != nil {
		return "", err
	}
	c := ssh.NewClient(conn, chans, reqs)
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	out, err := s.CombinedOutput(command)
	return strings.TrimSpace(string(out)), err
}

// says waits until a command in the guest prints something.
func (g guest) says(t *testing.T, command, want string) {
	t.Helper()
	until(t, fmt.Sprintf("%q in the guest at %s", command, g.address), 3*time.Minute, func() (bool, string) {
		out, err := g.run(command)
		return err == nil && strings.Contains(out, want), fmt.Sprint(out, err)
	})
}

func (b *bench) floating(server string) string {
	b.t.Helper()
	ip := b.openstack("floating", "ip", "create", "public", "-f", "value", "-c", "floating_ip_address")
	b.openstack("server", "add", "floating", "ip", server, ip)
	return ip
}

func newKey(t *testing.T, dir string) (file string, key ssh.Signer) {
	t.Helper()
	file = filepath.Join(dir, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = ssh.ParsePrivateKey(b); err != nil {
		t.Fatal(err)
	}
	return file + ".pub", key
}

// left lists what is left of servers on the machine and in the cloud.
func (b *bench) left() []string {
	var out []string
	add := func(what, text string) {
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, what+": "+text)
		}
	}
	run := func(args ...string) string {
		o, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Sprintf("%v: %s", err, o)
		}
		return string(o)
	}
	rundir := "/run/stackd-" + b.cloud.Name
	links := run("ip", "netns", "exec", b.cloud.Name, "ip", "-o", "link")
	for line := range strings.Lines(links) {
		if strings.Contains(line, ": tap") {
			add("tap", line)
		}
	}
	add("domain", run("virsh", "-c", "qemu+unix:///system?socket="+rundir+"/libvirt/run/libvirt-sock", "list", "--all", "--name"))
	nb := "unix:" + rundir + "/run/nb.sock"
	add("logical switch port", run("ovn-nbctl", "--db="+nb, "--bare", "--columns=name", "list", "Logical_Switch_Port"))
	add("logical switch", run("ovn-nbctl", "--db="+nb, "--bare", "--columns=name", "list", "Logical_Switch"))
	add("logical router", run("ovn-nbctl", "--db="+nb, "--bare", "--columns=name", "list", "Logical_Router"))
	files, _ := filepath.Glob(filepath.Join(b.cloud.Data, "instances", "*"))
	add("files", strings.Join(files, " "))
	c, err := cloudtest.SignIn(context.Background(), b.env)
	if err != nil {
		return append(out, err.Error())
	}
	var usages struct {
		Providers []struct{ UUID string } `json:"resource_providers"`
	}
	c.Do(context.Background(), "GET", "placement", "/resource_providers", nil, &usages)
	for _, p := range usages.Providers {
		var u struct{ Usages map[string]int }
		c.Do(context.Background(), "GET", "placement", "/resource_providers/"+p.UUID+"/usages", nil, &u)
		for class, n := range u.Usages {
			if n > 0 {
				add("allocation", fmt.Sprint(class, " ", n))
			}
		}
	}
	return out
}

func image(t *testing.T) string {
	t.Helper()
	file := os.Getenv("STACKD_IMAGE")
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("STACKD_IMAGE names no image (%v); make image builds one", err)
	}
	return file
}
