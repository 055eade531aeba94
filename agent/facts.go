package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"stackd/agent/wish"
)

// node fills in the host's own facts.
func (a *Agent) node(ctx context.Context, n *wish.Node) error {
	err := a.Hypervisor.Node(ctx, n)
	total, free, err2 := a.Disks.Space()
	if n.DiskGB == 0 {
		n.DiskGB, n.FreeDiskGB = total, free
	}
	if n.FreeMemMB == 0 {
		n.FreeMemMB = freeMemory()
	}
	n.Load, n.Uptime = load(), uptime(time.Now())
	return errors.Join(err, err2)
}

func freeMemory() int {
	text, _ := os.ReadFile("/proc/meminfo")
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("MemAvailable:")); ok {
			kib, _ := strconv.Atoi(string(bytes.Fields(rest)[0]))
			return kib >> 10
		}
	}
	return 0
}

func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	f := strings.Fields(string(text))
	return strings.Join(f[:min(3, len(f))], ", ")
}

// uptime is as uptime(1) prints it.
func uptime(now time.Time) string {
	text, _ := os.ReadFile("/proc/uptime")
	up := 0.0
	if f := strings.Fields(string(text)); len(f) > 0 {
		up, _ = strconv.ParseFloat(f[0], 64)
	}
	minutes := int(up) / 60
	days := ""
	switch d := minutes / 60 / 24; {
	case d == 1:
		days = "1 day, "
	case d > 1:
		days = fmt.Sprintf("%d days, ", d)
	}
	clock := fmt.Sprintf("%2d:%02d", minutes/60%24, minutes%60)
	if minutes/60%24 == 0 {
		clock = fmt.Sprintf("%d min", minutes%60)
	}
	return fmt.Sprintf(" %s up %s%s,  0 users,  load average: %s", now.Format("15:04:05"), days, clock, load())
}
