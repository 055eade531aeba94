// Command bench measures a cloud: requests a second, latencies, and what they cost
// in CPU. It takes the cloud that the OS_* variables name, or makes one of its own
// on simulated hosts; CPU and memory are known of its own alone.
//
//	go run ./test/bench [-only NAME] [-seconds 3]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"stackd/test/cloudtest"
)

func main() {
	only := flag.String("only", "", "run the rows whose name contains this")
	seconds := flag.Float64("seconds", 3, "how long each row is measured")
	gib := flag.Int("mib", 1024, "size of the image that is uploaded and downloaded, MiB")
	nodes := flag.Int("nodes", 1000, "nodes that join one control plane, with -only fleet")
	servers := flag.Int("servers", 10_000, "servers that are placed on them")
	flag.Parse()
	if err := run(&bench{only: *only, seconds: *seconds, mib: *gib, fleetNodes: *nodes, fleetServers: *servers}); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(b *bench) error {
	ctx := context.Background()
	var own *cloudtest.Cloud
	var env map[string]string
	if os.Getenv("OS_AUTH_URL") == "" {
		dir, err := os.MkdirTemp("", "bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if own, err = b.start(dir); err != nil {
			return err
		}
		defer own.Down()
		if env, err = own.Login("admin"); err != nil {
			return err
		}
	}
	b.env, b.own = env, own
	if b.only == fleetOnly {
		return b.all(ctx)
	}
	fmt.Printf("%-44s %4s %10s %9s %9s %11s\n", "what", "at", "ops/s", "p50 ms", "p99 ms", "CPU ms/op")
	if err := b.all(ctx); err != nil {
		return err
	}
	if own != nil {
		return b.program(ctx)
	}
	return nil
}

// fleetOnly is the row whose nodes are not the cloud's own.
const fleetOnly = "fleet"

// start starts a cloud of our own.
func (b *bench) start(dir string) (*cloudtest.Cloud, error) {
	if b.only == fleetOnly {
		c, err := cloudtest.New(dir)
		if err == nil {
			err = c.Serve()
		}
		return c, err
	}
	c, err := cloudtest.New(dir, "--sim", "4")
	if err == nil {
		err = c.Up()
	}
	return c, err
}

// program measures the program itself: start, memory, size.
func (b *bench) program(ctx context.Context) error {
	st, err := os.Stat(b.own.Program)
	if err != nil {
		return err
	}
	fmt.Printf("binary: %.1f MB\n", float64(st.Size())/1e6)
	fmt.Printf("memory after all this: %d MB\n", rss(b.pid())/1024)
	var took []string
	for range 3 {
		if err := b.own.Down(); err != nil {
			return err
		}
		d, err := b.startTime()
		if err != nil {
			return err
		}
		took = append(took, d.Round(time.Millisecond).String())
	}
	time.Sleep(5 * time.Second)
	fmt.Printf("start to all APIs answering: %s\n", strings.Join(took, ", "))
	fmt.Printf("memory idle, 5 s after a start with 1,000 servers: %d MB\n", rss(b.pid())/1024)
	return nil
}
