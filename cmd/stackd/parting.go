package main

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Whoever has a connection to an address that moves to another machine hears nothing any
// more, from either. So the address is given up in order: nobody new is let in, those who
// are get their answers, and all connections are ended while it is here still.

// shared is what serves at the address that control planes hand to one another.
type shared struct {
	leaving atomic.Bool
	servers []*http.Server

	mu   sync.Mutex
	open map[net.Conn]bool
}

// parting is how long requests may take that are under way. The lease is longer.
const parting = 1200 * time.Millisecond

// gate is a listener of the address for a server that has not begun.
func (s *shared) gate(l net.Listener, srv *http.Server) net.Listener {
	s.servers = append(s.servers, srv)
	srv.ConnState = s.note
	return &gate{l, &s.leaving}
}

func (s *shared) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		if s.open == nil {
			s.open = map[net.Conn]bool{}
		}
		s.open[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(s.open, c)
	}
}

// leave is called before the address goes.
func (s *shared) leave() {
	s.leaving.Store(true)
	for _, srv := range s.servers {
		srv.SetKeepAlivesEnabled(false)
	}
	for end := time.Now().Add(parting); s.count() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		go c.Close() // which says so to note
	}
}

func (s *shared) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// A gate resets who comes while the address is being given up: he calls again, and calls
// the next holder then.
type gate struct {
	net.Listener
	leaving *atomic.Bool
}

func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil || !g.leaving.Load() {
			return c, err
		}
		if t, ok := c.(*net.TCPConn); ok {
			t.SetLinger(0)
		}
		c.Close()
	}
}
