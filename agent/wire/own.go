package wire

import (
	"crypto/tls"
	"sync"
	"time"

	"stackd/agent/join"
)

// own is a control plane's own certificate, which is made anew when a third of its life
// is left: a program that runs for years shows one that is good.
type own struct {
	by  *join.Authority
	as  string // whom it names
	now func() time.Time

	mu   sync.Mutex
	pair *tls.Certificate
}

func newOwn(by *join.Authority, now func() time.Time) (*own, error) {
	return newOwnAs(by, join.PlaneName, now)
}

func newOwnAs(by *join.Authority, name string, now func() time.Time) (*own, error) {
	o := &own{by: by, as: name, now: now}
	_, err := o.get()
	return o, err
}

func (o *own) get() (*tls.Certificate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pair != nil && !Due(o.pair.Leaf.NotBefore, o.pair.Leaf.NotAfter, o.now()) {
		return o.pair, nil
	}
	cert, key, err := o.by.As(o.as, o.now())
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err == nil {
		o.pair = &pair
	}
	return &pair, err
}

// Due tells whether a certificate is to be made anew: a third of its life is left.
func Due(from, to, now time.Time) bool { return !now.Before(to.Add(-to.Sub(from) / 3)) }
