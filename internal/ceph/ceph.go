package ceph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A Cluster is how a cluster is reached, and as whom: "" is what Ceph's programs take
// when nothing is said (client.admin, /etc/ceph/ceph.conf, the keyring beside it).
type Cluster struct {
	User    string // without "client."
	Conf    string // a file
	Keyring string // a file
}

// Args come first in a call of any of Ceph's programs.
func (c Cluster) Args() []string {
	var all []string
	for _, o := range [][2]string{{"--id", c.User}, {"--conf", c.Conf}, {"--keyring", c.Keyring}} {
		if o[1] != "" {
			all = append(all, o[0], o[1])
		}
	}
	return all
}

// Command is a call of one of Ceph's programs. With the context it is killed.
func (c Cluster) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, append(c.Args(), args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "CEPH_ARGS="+os.Getenv("CEPH_ARGS")+" --client_mount_timeout=15") // a cluster that is not there is soon known
	return cmd
}

// Run runs a program to its end and gives what it printed. With the context the waiting
// ends, and the program goes on: one that is killed leaves what it had open locked for
// half a minute. Held files are open in it for as long as it lives.
func (c Cluster) Run(ctx context.Context, held []*os.File, program string, args ...string) ([]byte, error) {
	cmd := c.Command(context.WithoutCancel(ctx), program, args...)
	cmd.ExtraFiles = held
	var out, says bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &says
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case err := <-ended:
		if err != nil {
			return nil, &Failed{program + " " + args[0], says.String(), err}
		}
		return out.Bytes(), nil
	}
}

// JSON is Run of a program that prints JSON, read into a value.
func (c Cluster) JSON(ctx context.Context, into any, program string, args ...string) error {
	out, err := c.Run(ctx, nil, program, append(args, "--format=json")...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, into)
}

// Failed is a program's failure, with what it said; it is for the log.
type Failed struct {
	Verb, Says string
	Err        error
}

func (f *Failed) Error() string {
	var says []string
	for line := range strings.FieldsFuncSeq(f.Says, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if !strings.Contains(line, "% complete...") { // progress
			says = append(says, strings.TrimSpace(line))
		}
	}
	return fmt.Sprintf("%s: %v: %s", f.Verb, f.Err, strings.Join(says, "; "))
}
func (f *Failed) Unwrap() error { return f.Err }

// Code is the number of the errno that a program of Ceph ended with, 0 for other errors.
func Code(err error) syscall.Errno {
	var e *exec.ExitError
	if errors.As(err, &e) && e.ExitCode() > 0 {
		return syscall.Errno(e.ExitCode())
	}
	return 0
}

// Missing tells whether a program ended because what it was to act on is not there. The
// programs end so, too, when it is the cluster or the pool that is not.
func Missing(err error) bool {
	var f *Failed
	if Code(err) != syscall.ENOENT || !errors.As(err, &f) {
		return false
	}
	for _, more := range []string{"couldn't connect to the cluster", "opening pool", "open pool"} {
		if strings.Contains(f.Says, more) {
			return false
		}
	}
	return true
}

// FSID asks for the cluster's id.
func (c Cluster) FSID(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := c.Run(ctx, nil, "ceph", "fsid")
	return strings.TrimSpace(string(out)), err
}
