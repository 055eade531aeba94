package cloudtest

import (
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// A balancer answers at one address for several control planes: each connection goes
// to the next of them that takes it.
type balancer struct {
	planes []string // addresses
	next   atomic.Int64
}

// Balance listens at an address, at all ports that clients use.
func Balance(t testing.TB, at string, planes ...string) {
	t.Helper()
	b := &balancer{planes: planes}
	for _, port := range []int{5000, 8774, 8776, 8778, 9292, 9696, 9000} {
		l, err := net.Listen("tcp", net.JoinHostPort(at, strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go b.serve(l, strconv.Itoa(port))
	}
}

func (b *balancer) serve(l net.Listener, port string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go b.join(c, port)
	}
}

func (b *balancer) join(c net.Conn, port string) {
	defer c.Close()
	for range b.planes {
		p := b.planes[int(b.next.Add(1))%len(b.planes)]
		up, err := net.DialTimeout("tcp", net.JoinHostPort(p, port), time.Second)
		if err != nil {
			continue
		}
		defer up.Close()
		go func() { io.Copy(up, c); up.(*net.TCPConn).CloseWrite() }()
		io.Copy(c, up)
		return
	}
}
