package metadata

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"stackd/agent"
	"stackd/agent/netns"
	"stackd/agent/vif"
	"stackd/agent/wish"
)

// Networks makes the namespaces that metadata is served in.
type Networks interface {
	Networks(context.Context, []wish.Network) error
	Space(networkID string) string
}

// A Service is the metadata servers of a node. It implements agent.Metadata.
type Service struct {
	Networks Networks
	Log      *slog.Logger

	mu      sync.RWMutex
	callers map[caller]wish.Metadata
	running map[string]*http.Server // by network
}

var (
	_ agent.Metadata = (*Service)(nil)
	_ Networks       = (*vif.Switch)(nil)
)

// A caller is who asks, as the network shows it.
type caller struct {
	network string
	address netip.Addr
}

// Serve serves these networks and no others.
func (s *Service) Serve(ctx context.Context, nets []wish.Network, servers []wish.Server) error {
	s.know(servers)
	s.endExcept(nets)
	err := s.Networks.Networks(ctx, nets)
	for _, n := range nets {
		if s.serves(n.ID) || !netns.Exists(s.Networks.Space(n.ID)) {
			continue
		}
		if e := s.listen(n.ID); e != nil {
			err = errors.Join(err, fmt.Errorf("metadata of network %s: %w", n.ID, e))
		}
	}
	return err
}

// know replaces who is who.
func (s *Service) know(servers []wish.Server) {
	callers := map[caller]wish.Metadata{}
	for _, v := range servers {
		if v.Power == wish.Gone {
			continue
		}
		for _, p := range v.Ports {
			for _, a := range addresses(p) {
				callers[caller{p.NetworkID, a}] = v.Metadata
			}
		}
	}
	s.mu.Lock()
	s.callers = callers
	s.mu.Unlock()
}

// addresses are a port's fixed ones and the link-local one made from its MAC.
func addresses(p wish.Port) []netip.Addr {
	var all []netip.Addr
	for _, text := range p.Addresses {
		if a, err := netip.ParseAddr(text); err == nil {
			all = append(all, a.Unmap())
		}
	}
	if mac, err := net.ParseMAC(p.MAC); err == nil && len(mac) == 6 {
		all = append(all, netip.AddrFrom16([16]byte{
			0xfe, 0x80, 8: mac[0] ^ 2, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5],
		}))
	}
	return all
}

func (s *Service) serves(network string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.running[network] != nil
}

// endExcept ends the listeners of networks that are not wished for.
func (s *Service) endExcept(nets []wish.Network) {
	wanted := map[string]bool{}
	for _, n := range nets {
		wanted[n.ID] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, server := range s.running {
		if !wanted[id] {
			_ = server.Close()
			delete(s.running, id)
		}
	}
}

// Close ends all listeners; the namespaces stay for the next start.
func (s *Service) Close() { s.endExcept(nil) }

func (s *Service) listen(network string) error {
	var listeners []net.Listener
	err := netns.Do(s.Networks.Space(network), func() error {
		for _, at := range []string{"169.254.169.254:80", "[fe80::a9fe:a9fe%" + vif.MetadataLink + "]:80"} {
			l, err := net.Listen("tcp", at)
			if err != nil && strings.HasPrefix(at, "[") {
				s.Log.Warn("no metadata by IPv6", "network", network, "err", err)
				continue
			}
			if err != nil {
				return err
			}
			listeners = append(listeners, l)
		}
		return nil
	})
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s.handler(network),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 10 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	s.mu.Lock()
	if s.running == nil {
		s.running = map[string]*http.Server{}
	}
	s.running[network] = server
	s.mu.Unlock()
	for _, l := range listeners {
		go func() { _ = server.Serve(l) }()
	}
	return nil
}

// handler answers the guests of one network.
func (s *Service) handler(network string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		m, known := s.of(network, r.RemoteAddr)
		content, there := answer(m, r.URL.Path)
		if !known || !there {
			http.Error(w, "404 Not Found", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", contentType(r.URL.Path))
		_, _ = w.Write(content)
	})
}

func (s *Service) of(network, remote string) (wish.Metadata, bool) {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return nil, false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	m, ok := s.callers[caller{network, at.Addr().Unmap().WithZone("")}]
	return m, ok
}

func contentType(path string) string {
	switch {
	case strings.HasSuffix(path, ".json"):
		return "application/json"
	case strings.HasSuffix(path, "user_data") || strings.HasSuffix(path, "user-data"):
		return "application/octet-stream"
	}
	return "text/plain; charset=UTF-8"
}
