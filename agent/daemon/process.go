package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"stackd/agent/netns"
)

// A process is a daemon known by its pid file. Its command line names that file,
// which is how a foreign process with a recycled number is told apart.
type process struct {
	name     string
	pidfile  string
	argv     []string
	env      []string
	detaches bool // forks by itself and returns when ready
	log      string
	ready    func(context.Context) error
}

// pid is the running daemon's.
func (p process) pid() (int, bool) { return livePID(p.pidfile, p.pidfile) }

// livePID reads a pid file and checks that the process's command line holds mark.
func livePID(file, mark string) (int, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return 0, false
	}
	return pid, runs(pid, mark)
}

// runs reports whether process pid is there and has mark in its command line.
func runs(pid int, mark string) bool {
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(cmdline, []byte(mark))
}

// start starts the daemon in a session of its own, inside ns.
func (p process) start(ctx context.Context, ns string) error {
	argv := inNetns(ns, p.argv)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if p.detaches {
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w (see %s)", err, p.log)
		}
		return p.waitReady(ctx, nil)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	died := make(chan struct{})
	go func() { _ = cmd.Wait(); close(died) }()
	return p.waitReady(ctx, died)
}

func (p process) waitReady(ctx context.Context, died <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-died:
			return fmt.Errorf("it ended at once (see %s)", p.log)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w (see %s)", err, p.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the daemon, gently first.
func (p process) stop(ctx context.Context) error {
	pid, ok := p.pid()
	if !ok {
		return nil
	}
	return endProcess(ctx, p.name, pid, p.pidfile)
}

// endProcess ends process pid and waits until it is gone. Daemons remove their
// pid file before they end, so the process itself is watched.
func endProcess(ctx context.Context, name string, pid int, mark string) error {
	for _, s := range []struct {
		sig  syscall.Signal
		wait time.Duration
	}{{syscall.SIGTERM, 10 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		if err := syscall.Kill(pid, s.sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end %s: %w", name, err)
		}
		for end := time.Now().Add(s.wait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if !runs(pid, mark) {
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return fmt.Errorf("%s (process %d) does not end", name, pid)
}

func inNetns(ns string, argv []string) []string {
	if ns == "" {
		return argv
	}
	return append([]string{"nsenter", "--net=" + netns.Path(ns), "--"}, argv...)
}

// command runs a program to its end inside the cloud's namespace; the error
// holds what it said.
func (h *Host) command(ctx context.Context, argv ...string) error {
	_, err := h.output(ctx, argv...)
	return err
}

// output is what a command says.
func (h *Host) output(ctx context.Context, argv ...string) (string, error) {
	argv = inNetns(h.NS(), argv)
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, bytes.TrimSpace(out))
	}
	return string(bytes.TrimSpace(out)), nil
}

func missing(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist)
}
