package wire

import (
	"context"
	"crypto/tls"
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
	mux.HandleFunc("GET "+peersPath+"servers/{id}/disks/{role}", func(w http.ResponseWriter, r *http.Request) {
		to, _ := r.Context().Value(peerKey{}).(string)
		body, err := m.SendDisk(r.Context(), to, r.PathValue("id"), r.PathValue("role"))
		if err != nil {
			fail(w, err)
			return
		}
		send(w, body)
	})
	return mux
}

// Peers reaches other nodes from this one.
type Peers struct{ id Identity }

var _ agent.Peers = Peers{}

// NewPeers is for a host that has joined.
func NewPeers(id Identity) Peers { return Peers{id} }

// Disk reads a disk from the host that a server has moved from.
func (p Peers) Disk(ctx context.Context, from wish.Where, server, role string) (io.ReadCloser, error) {
	if from.At == "" {
		return nil, fmt.Errorf("host %s has not said where it listens", from.Host)
	}
	c, t, err := p.client(from.Host)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, "GET", "https://"+from.At+peersPath+"servers/"+server+"/disks/"+role, nil)
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
