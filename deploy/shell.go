package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

// A Shell runs scripts (for bash) on a host, as root.
type Shell interface {
	// Run gives what the script prints; a script that fails is an error with the last
	// line that it wrote to stderr.
	Run(ctx context.Context, script string, in io.Reader) (string, error)
	// Listen listens at a port of the host's own 127.0.0.1; who calls is heard here.
	Listen() (net.Listener, error)
	Close() error
}

// Failed is a script that ended with another status than 0.
type Failed struct {
	Status int
	Said   string
}

func (f *Failed) Error() string {
	if f.Said == "" {
		return fmt.Sprintf("ended with status %d", f.Status)
	}
	return f.Said
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}

// Local is this machine.
type Local struct{}

// Run is Shell's.
func (Local) Run(ctx context.Context, script string, in io.Reader) (string, error) {
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	var out, bad bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &bad
	err := cmd.Run()
	var e *exec.ExitError
	if errors.As(err, &e) {
		err = &Failed{e.ExitCode(), lastLines(bad.String(), 3)}
	}
	return strings.TrimSpace(out.String()), err
}

// Listen is Shell's.
func (Local) Listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// Close is Shell's.
func (Local) Close() error { return nil }

// An Opener opens hosts by SSH, as root, with the keys in ~/.ssh, those of an agent, or
// a password. A host's own key must be in ~/.ssh/known_hosts, unless NewHosts lets keys
// of hosts that are seen for the first time in (they are written there).
type Opener struct {
	Home     string
	Password string
	NewHosts bool
	Port     int // 22 when 0
}

type remote struct{ c *ssh.Client }

// Open opens the host at an address.
func (o Opener) Open(ctx context.Context, address string) (Shell, error) {
	if isLocal(address) {
		return Local{}, nil
	}
	check, err := o.known()
	if err != nil {
		return nil, err
	}
	at := net.JoinHostPort(address, fmt.Sprint(max(o.Port, 22)))
	raw, err := (&net.Dialer{Timeout: 8 * time.Second}).DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("host %s cannot be reached by SSH: %w", address, err)
	}
	raw.SetDeadline(time.Now().Add(20 * time.Second))
	conn, chans, reqs, err := ssh.NewClientConn(raw, at, &ssh.ClientConfig{User: "root", Auth: o.auth(), HostKeyCallback: check, Timeout: 10 * time.Second})
	if err != nil {
		raw.Close()
		return nil, o.explain(address, err)
	}
	raw.SetDeadline(time.Time{})
	return &remote{ssh.NewClient(conn, chans, reqs)}, nil
}

func (o Opener) explain(address string, err error) error {
	var k *knownhosts.KeyError
	switch {
	case errors.As(err, &k) && len(k.Want) > 0:
		return fmt.Errorf("host %s shows another key than the one in %s: it was made anew, or somebody is in between. If it was, remove the old key: ssh-keygen -R %s", address, o.knownFile(), address)
	case errors.As(err, &k):
		return fmt.Errorf("host %s is not in %s. Look at its key (ssh root@%s), or let new hosts in with --accept-new-hosts", address, o.knownFile(), address)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Errorf("host %s does not let root in: neither a key in %s nor a password was good. Copy a key there (ssh-copy-id root@%s) or give --ssh-password", address, filepath.Join(o.Home, ".ssh"), address)
	}
	return fmt.Errorf("host %s: %w", address, err)
}

func (o Opener) knownFile() string { return filepath.Join(o.Home, ".ssh", "known_hosts") }

func (o Opener) known() (ssh.HostKeyCallback, error) {
	f, err := os.OpenFile(o.knownFile(), os.O_RDONLY|os.O_CREATE, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(o.knownFile()), 0o700); err == nil {
			f, err = os.OpenFile(o.knownFile(), os.O_RDONLY|os.O_CREATE, 0o600)
		}
	}
	if err != nil {
		return nil, err
	}
	f.Close()
	check, err := knownhosts.New(o.knownFile())
	if err != nil || !o.NewHosts {
		return check, err
	}
	return func(host string, at net.Addr, key ssh.PublicKey) error {
		err := check(host, at, key)
		var k *knownhosts.KeyError
		if errors.As(err, &k) && len(k.Want) == 0 {
			return o.remember(host, key)
		}
		return err
	}, nil
}

func (o Opener) remember(host string, key ssh.PublicKey) error {
	f, err := os.OpenFile(o.knownFile(), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, knownhosts.Line([]string{knownhosts.Normalize(host)}, key))
	return errors.Join(err, f.Close())
}

func (o Opener) auth() []ssh.AuthMethod {
	var keys []ssh.Signer
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		if b, err := os.ReadFile(filepath.Join(o.Home, ".ssh", name)); err == nil {
			if k, err := ssh.ParsePrivateKey(b); err == nil {
				keys = append(keys, k)
			}
		}
	}
	all := []ssh.AuthMethod{ssh.PublicKeys(keys...)}
	if c, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK")); err == nil {
		all = append(all, ssh.PublicKeysCallback(agent.NewClient(c).Signers))
	}
	if o.Password != "" {
		all = append(all, ssh.Password(o.Password))
	}
	return all
}

// Run is Shell's. A host that lets in and then does nothing is not waited for longer than
// the context says.
func (r *remote) Run(ctx context.Context, script string, in io.Reader) (string, error) {
	type result struct {
		said string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		said, err := r.run(ctx, script, in)
		done <- result{said, err}
	}()
	select {
	case d := <-done:
		return d.said, d.err
	case <-ctx.Done():
		return "", fmt.Errorf("the host does not answer: %w", ctx.Err())
	}
}

func (r *remote) run(ctx context.Context, script string, in io.Reader) (string, error) {
	s, err := r.c.NewSession()
	if err != nil {
		return "", fmt.Errorf("the connection is lost: %w", err)
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { s.Close() })()
	var out, bad bytes.Buffer
	s.Stdin, s.Stdout, s.Stderr = in, &out, &bad
	err = s.Run("bash -c " + quote(script))
	var e *ssh.ExitError
	if errors.As(err, &e) {
		err = &Failed{e.ExitStatus(), lastLines(bad.String(), 3)}
	} else if err != nil {
		err = fmt.Errorf("the connection is lost: %w", err)
	}
	return strings.TrimSpace(out.String()), err
}

// Listen is Shell's.
func (r *remote) Listen() (net.Listener, error) { return r.c.Listen("tcp", "127.0.0.1:0") }

// Close is Shell's.
func (r *remote) Close() error { return r.c.Close() }

// quote is a word for the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// isLocal tells whether an address is this machine's.
func isLocal(address string) bool {
	ip := net.ParseIP(address)
	addrs, err := net.InterfaceAddrs()
	if err != nil || ip == nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}
