package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// row runs f in a closed loop of `at` workers for the bench's time, and prints it.
func (b *bench) row(ctx context.Context, what string, at int, f func(context.Context) error) {
	if !strings.Contains(what, b.only) {
		return
	}
	f(ctx) // the first is not counted
	var mu sync.Mutex
	var took []time.Duration
	var bad error
	cpu, start := b.cpu(), time.Now()
	end := start.Add(time.Duration(b.seconds * float64(time.Second)))
	var wg sync.WaitGroup
	for range at {
		wg.Go(func() {
			for time.Now().Before(end) {
				t := time.Now()
				err := f(ctx)
				mu.Lock()
				if took = append(took, time.Since(t)); err != nil {
					bad = err
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	all := time.Since(start).Seconds()
	slices.Sort(took)
	ms := func(q float64) float64 { return took[int(q*float64(len(took)-1))].Seconds() * 1000 }
	fmt.Printf("%-44s %4d %10.1f %9.2f %9.2f %11.3f", what, at, float64(len(took))/all, ms(0.5), ms(0.99), (b.cpu()-cpu)*1000/float64(len(took)))
	if bad != nil {
		fmt.Printf("   an error: %v", bad)
	}
	fmt.Println()
}

func (b *bench) pid() int {
	if b.own == nil {
		return 0
	}
	text, _ := os.ReadFile(filepath.Join(b.own.Data, "lock"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// cpu is the seconds of CPU that our own cloud's process has taken; 0 of another's.
func (b *bench) cpu() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.pid()))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

// rss is a process's resident memory in KiB.
func rss(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(v)[0])
			return n
		}
	}
	return 0
}

// startTime starts the cloud and measures until every API accepts and answers.
func (b *bench) startTime() (time.Duration, error) {
	c := b.own
	args := append([]string{"up", "--background", "--data", c.Data, "--name", c.Name, "--listen", c.Listen, "--public", c.Public}, c.Args...)
	cmd := exec.Command(c.Program, args...)
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	for _, port := range []int{5000, 9292, 8774, 8778, 9696} {
		for {
			conn, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", c.Listen, port), time.Second)
			if err == nil {
				fmt.Fprintf(conn, "GET / HTTP/1.0\r\n\r\n")
				n, _ := conn.Read(make([]byte, 1))
				conn.Close()
				if n == 1 {
					break
				}
			}
			if time.Since(start) > time.Minute {
				return 0, fmt.Errorf("port %d does not answer", port)
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	took := time.Since(start)
	return took, cmd.Wait()
}
