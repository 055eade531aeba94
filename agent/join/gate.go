package join

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sealed"
)

// A Gate lets hosts in, and tells who they are.
type Gate struct {
	store Store
	*Authority
	// Databases is another authority, of control planes alone: by its certificates they
	// reach one another's databases, which no node may.
	Databases *Authority
}

// The rows of the authorities.
const nodesRoot, databasesRoot = 1, 2

// New opens the gate of a cloud; the first that opens it makes the authorities.
func New(ctx context.Context, s Store, master []byte) (*Gate, error) {
	nodes, err := openAuthority(ctx, s, nodesRoot, "nodes", master)
	if err != nil {
		return nil, err
	}
	databases, err := openAuthority(ctx, s, databasesRoot, "databases", master)
	return &Gate{s, nodes, databases}, err
}

func openAuthority(ctx context.Context, s Store, id int64, of string, master []byte) (*Authority, error) {
	box := sealed.New(master, "authority of "+of)
	r, err := s.Root(ctx, id)
	if err == nil && r == nil {
		r, err = makeRoot(ctx, s, id, of, box)
	}
	if err != nil {
		return nil, err
	}
	key, err := box.Open(r.Key)
	if err != nil {
		return nil, fmt.Errorf("the authority of %s cannot be read with this master key: %w", of, err)
	}
	return readAuthority([]byte(r.Certificate), key)
}

func makeRoot(ctx context.Context, s Store, id int64, of string, box sealed.Box) (*Root, error) {
	a, err := newAuthority("stackd "+of, s.Now())
	if err != nil {
		return nil, err
	}
	key, err := keyPEM(a.key)
	if err != nil {
		return nil, err
	}
	if err := s.InsertRoot(ctx, &Root{id, string(a.PEM()), box.Close(key), s.Now()}); err != nil {
		return nil, err
	}
	return s.Root(ctx, id) // another control plane may have been first
}

// NewToken makes a join token, for one host or, if host is "", for any that is no node yet.
func (g *Gate) NewToken(ctx context.Context, host string, life time.Duration) (Pass, error) {
	if host != "" && !hostShape.MatchString(host) {
		return Pass{}, fault.New(fault.Invalid, "%q is no host name.", host)
	}
	p := newPass(g.Fingerprint())
	now := g.store.Now()
	err := g.store.DropOldTokens(ctx)
	if err != nil {
		return Pass{}, err
	}
	return p, g.store.InsertToken(ctx, &Token{ID: p.ID, Hash: hashOf(p.Secret), Host: host, ExpiresAt: now.Add(life), CreatedAt: now})
}

// A host's name is the node's in every table, and the first part of a DNS name.
var hostShape = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`)

// Join is a certificate for a host that shows a good token and a certificate request.
// A token that is not bound to the host's name does not let it take a node's place.
func (g *Gate) Join(ctx context.Context, p Pass, host string, request []byte) (cert []byte, err error) {
	public, err := publicKey(request)
	if err != nil {
		return nil, err
	}
	err = g.store.Tx(ctx, func(ctx context.Context) error {
		t, err := g.store.Token(ctx, p.ID)
		if err != nil {
			return err
		}
		if t == nil || !hostShape.MatchString(host) || !t.good(p.Secret, host, g.store.Now()) {
			return fault.New(fault.Unauthorized, "The join token is not good for host %s (any more).", host)
		}
		old, err := g.store.Node(ctx, host)
		if err != nil {
			return err
		}
		if old != nil && t.Host != host {
			return fault.New(fault.Conflict, "Host %s is a node already. Take it off first, or make a token for it: stackd node token --host %s", host, host)
		}
		cert, err = g.admit(ctx, &Node{Host: host, JoinedAt: g.store.Now()}, public)
		return err
	})
	return cert, err
}

// Renew is a new certificate for a node that has shown its present one.
func (g *Gate) Renew(ctx context.Context, host string, request []byte) (cert []byte, err error) {
	public, err := publicKey(request)
	if err != nil {
		return nil, err
	}
	err = g.store.Tx(ctx, func(ctx context.Context) error {
		n, err := g.store.Node(ctx, host)
		if err != nil {
			return err
		}
		if n == nil {
			return fault.New(fault.Unauthorized, "Host %s is no node.", host)
		}
		n.Previous = n.Serial
		cert, err = g.admit(ctx, n, public)
		return err
	})
	return cert, err
}

func (g *Gate) admit(ctx context.Context, n *Node, public any) ([]byte, error) {
	cert, leaf, err := g.issue(public, n.Host, NodeName(n.Host), g.store.Now(), nodeLife)
	if err != nil {
		return nil, err
	}
	n.Serial, n.ExpiresAt = leaf.SerialNumber.Text(16), leaf.NotAfter
	return cert, g.store.PutNode(ctx, n)
}

// publicKey is that of a certificate request (PEM), which proves that its sender has
// the private one. Nothing else in it counts.
func publicKey(request []byte) (any, error) {
	b, _ := pem.Decode(request)
	if b == nil {
		return nil, fault.New(fault.Invalid, "A certificate request in PEM is wanted.")
	}
	r, err := x509.ParseCertificateRequest(b.Bytes)
	if err == nil {
		err = r.CheckSignature()
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "The certificate request is not good.").Because(err)
	}
	return r.PublicKey, nil
}

// Who is the node that shows a certificate, whose chain has been checked.
func (g *Gate) Who(ctx context.Context, shown *x509.Certificate) (host string, err error) {
	host = shown.Subject.CommonName
	if shown.VerifyHostname(NodeName(host)) != nil {
		return "", fault.New(fault.Unauthorized, "This is no certificate of a node.")
	}
	n, err := g.store.Node(ctx, host)
	if err != nil {
		return "", err
	}
	serial := shown.SerialNumber.Text(16)
	switch {
	case n == nil || serial != n.Serial && serial != n.Previous:
		return "", fault.New(fault.Unauthorized, "Host %s is no node (any more), or has joined anew.", host)
	case serial == n.Serial && n.Previous != "":
		n.Previous = ""
		return host, g.store.PutNode(ctx, n)
	}
	return host, nil
}

// Nodes are the hosts that have joined.
func (g *Gate) Nodes(ctx context.Context) ([]*Node, error) { return g.store.Nodes(ctx) }

// Tokens are those that have not ended, without their secrets.
func (g *Gate) Tokens(ctx context.Context) ([]*Token, error) { return g.store.Tokens(ctx) }

// Forget takes a node's certificate its worth, at once.
func (g *Gate) Forget(ctx context.Context, host string) (was bool, err error) {
	return g.store.DeleteNode(ctx, host)
}

// DropToken ends a join token.
func (g *Gate) DropToken(ctx context.Context, id string) (was bool, err error) {
	return g.store.DeleteToken(ctx, id)
}
