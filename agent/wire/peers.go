package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"stackd/agent"
	"stackd/agent/join"
	"stackd/agent/wish"
	"stackd/internal/fault"
)

// A Moving node gives its peers what moves to them. To is the host that asks.
type Moving interface {
	SendDisk(ctx context.Context, to, server, role string) (io.ReadCloser, error)
	// From is the host that a running guest comes from.
	Land(ctx context.Context, from, server string, d wish.Departure) (wish.Ground, error)
	Arrive(ctx context.Context, from, server string, a wish.Arrival) (wish.Ground, error)
	LandingAt(ctx context.Context, from, server, stream string) (io.ReadWriteCloser, error)
}

// peersPath is where nodes call each other.
const peersPath = "/v1/peers/"

// ServeNode is a node's own side: control planes call it for its guests, other nodes for
// what moves to them. It wants TLS as LiveTLS sets it up.
func ServeNode(l wish.Live, m Moving) http.Handler {
	planes, peers := ServeLive(l), servePeers(m)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, err := caller(r)
		switch {
		case err != nil:
			fail(w, err)
		case strings.HasPrefix(r.URL.Path, peersPath) && host != "":
			peers.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peerKey{}, host)))
		case host == "":
			planes.ServeHTTP(w, r)
		default:
			fail(w, fault.New(fault.Unauthorized, "This is for control planes."))
		}
	})
}

type peerKey struct{}

// caller is the node that calls, "" for a control plane.
func caller(r *http.Request) (string, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", fault.New(fault.Unauthorized, "A certificate is wanted.")
	}
	return whose(*r.TLS)
}

func whose(s tls.ConnectionState) (string, error) {
	c := s.PeerCertificates[0]
	if c.VerifyHostname(join.PlaneName) == nil {
		return "", nil
	}
	if c.Subject.CommonName == "" || c.VerifyHostname(join.NodeName(c.Subject.CommonName)) != nil {
		return "", fault.New(fault.Unauthorized, "This is no certificate of a node or a control plane.")
	}
	return c.Subject.CommonName, nil
}

func servePeers(m Moving) http.Handler {
	mux := http.NewServeMux()
	on := func(pattern string, f func(w http.ResponseWriter, r *http.Request, host, id string) error) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+peersPath+"servers/{id}/"+path, func(w http.ResponseWriter, r *http.Request) {
			host, _ := r.Context().Value(peerKey{}).(string)
			if err := f(w, r, host, r.PathValue("id")); err != nil {
				fail(w, err)
			}
		})
	}
	on("GET disks/{role}", func(w http.ResponseWriter, r *http.Request, host, id string) error {
		body, err := m.SendDisk(r.Context(), host, id, r.PathValue("role"))
		if err == nil {
			send(w, body)
		}
		return err
	})
	on("POST landing", func(w http.ResponseWriter, r *http.Request, host, id string) error {
		return grounded(w, r, func(ctx context.Context, in wish.Departure) (wish.Ground, error) { return m.Land(ctx, host, id, in) })
	})
	on("POST arrival", func(w http.ResponseWriter, r *http.Request, host, id string) error {
		return grounded(w, r, func(ctx context.Context, in wish.Arrival) (wish.Ground, error) { return m.Arrive(ctx, host, id, in) })
	})
	on("POST streams/{stream}", func(w http.ResponseWriter, r *http.Request, host, id string) error {
		to, err := m.LandingAt(r.Context(), host, id, r.PathValue("stream"))
		if err == nil {
			duplex(w, r, to)
		}
		return err
	})
	return mux
}

func grounded[In any](w http.ResponseWriter, r *http.Request, f func(context.Context, In) (wish.Ground, error)) error {
	var in In
	if err := read(r, &in); err != nil {
		return err
	}
	g, err := f(r.Context(), in)
	if err == nil {
		answer(w, g)
	}
	return err
}

// Peers reaches other nodes from this one.
type Peers struct{ id Identity }

var _ agent.Peers = Peers{}

// NewPeers is for a host that has joined.
func NewPeers(id Identity) Peers { return Peers{id} }

// Disk reads a disk from the host that a server has moved from.
func (p Peers) Disk(ctx context.Context, from wish.Where, server, role string) (io.ReadCloser, error) {
	return p.call(ctx, "GET", from.Host, from.At, server+"/disks/"+role, nil)
}

// Land, Arrive and Dial tell the host that a running guest goes to.
func (p Peers) Land(ctx context.Context, to wish.Leave, server string, d wish.Departure) (wish.Ground, error) {
	return p.tell(ctx, to, server+"/landing", d)
}

func (p Peers) Arrive(ctx context.Context, to wish.Leave, server string, a wish.Arrival) (wish.Ground, error) {
	return p.tell(ctx, to, server+"/arrival", a)
}

func (p Peers) Dial(ctx context.Context, to wish.Leave, server, stream string) (io.ReadWriteCloser, error) {
	own, cancel := context.WithCancel(ctx)
	out, in := io.Pipe()
	body, err := p.call(own, "POST", to.Host, to.At, server+"/streams/"+stream, out)
	if err != nil {
		cancel()
		return nil, err
	}
	return &screen{body, in, cancel}, nil
}

func (p Peers) tell(ctx context.Context, to wish.Leave, path string, what any) (g wish.Ground, err error) {
	b, err := json.Marshal(what)
	if err != nil {
		return g, err
	}
	body, err := p.call(ctx, "POST", to.Host, to.At, path, bytes.NewReader(b))
	err = into(&g, body, err)
	return g, err
}

func (p Peers) call(ctx context.Context, method, host, at, path string, content io.Reader) (io.ReadCloser, error) {
	if at == "" {
		return nil, fmt.Errorf("host %s has not said where it listens", host)
	}
	c, t, err := p.client(host)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://"+at+peersPath+"servers/"+path, content)
	if err != nil {
		return nil, err
	}
	body, err := said(c.Do(req))
	if err != nil {
		t.CloseIdleConnections()
		return nil, err
	}
	return last{body, t}, nil
}

// last is a body that its connection is closed with.
type last struct {
	io.ReadCloser
	t *http.Transport
}

func (l last) Close() error {
	defer l.t.CloseIdleConnections()
	return l.ReadCloser.Close()
}

func (p Peers) client(host string) (*http.Client, *http.Transport, error) {
	c, err := p.id.client()
	if err != nil {
		return nil, nil, err
	}
	c.ServerName = join.NodeName(host)
	t := &http.Transport{ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second, TLSClientConfig: c,
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 10 * time.Second}}
	return &http.Client{Transport: t}, t, nil
}
