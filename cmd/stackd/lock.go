package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// errRunning says that the data folder is in use.
type errRunning struct {
	dir string
	pid int
}

func (e errRunning) Error() string {
	return fmt.Sprintf("a stackd (process %d) is running on %s already; end it with: stackd down --data %s", e.pid, e.dir, e.dir)
}

// lock makes this process the only one on the data folder until it ends.
func lock(o *options) (*os.File, error) {
	if err := os.MkdirAll(o.Data, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(o.path("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ { // running holds it for an instant
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			break
		}
		if try >= 10 && alive(holder(o)) || try == 250 {
			f.Close()
			return nil, errRunning{o.Data, holder(o)}
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := errors.Join(unready(o), f.Truncate(0)); err != nil {
		return nil, err
	}
	_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return f, err
}

// holder is the process that the lock names, 0 if none.
func holder(o *options) int {
	b, err := os.ReadFile(o.path("lock"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}

// running is the process that holds the lock now, 0 if none. A process that was
// killed may hold it for another moment, until its last thread has gone.
func running(o *options) int {
	f, err := os.Open(o.path("lock"))
	if err != nil {
		return 0
	}
	defer f.Close()
	for try := 0; ; try++ {
		if syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
			return 0
		}
		if pid := holder(o); alive(pid) || try == 250 {
			return pid
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// alive tells whether a process is there and is not being buried (proc(5), stat).
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return after != "" && after[0] != 'Z' && after[0] != 'X'
}

// stop asks the process on the data folder to end, and waits for it.
func stop(o *options, grace time.Duration) error {
	pid := running(o)
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	for end := time.Now().Add(grace); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if running(o) == 0 {
			return nil
		}
	}
	return fmt.Errorf("process %d did not end within %s", pid, grace)
}
