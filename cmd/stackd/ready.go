package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Who holds a data folder's lock runs; that it is ready for its work as well it writes
// down, for whoever has it started by systemd and waits.

func readiness(o *options) string { return o.path("ready") }

func unready(o *options) error {
	if err := os.Remove(readiness(o)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func sayReady(o *options) error {
	return os.WriteFile(readiness(o), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
}

// isReady tells whether the process that runs is ready.
func isReady(o *options) bool {
	b, err := os.ReadFile(readiness(o))
	pid, e := strconv.Atoi(strings.TrimSpace(string(b)))
	return err == nil && e == nil && pid != 0 && pid == running(o)
}

// staying is how long a program that does not say when it is ready, one of an older
// version, has to run to be taken for it.
const staying = 20 * time.Second

// comesUp waits until what was started is ready.
func (r *resident) comesUp(ctx context.Context) error {
	was, since := 0, time.Now()
	err := waitFor(ctx, "the program", 2*time.Minute, 100*time.Millisecond, func() (bool, error) {
		if pid := running(r.folder); pid != was {
			was, since = pid, time.Now()
		}
		return isReady(r.folder) || was != 0 && time.Since(since) > staying, nil
	})
	if err != nil {
		err = fmt.Errorf("%w; see %s", err, r.folder.path("stackd.log"))
	}
	return err
}
