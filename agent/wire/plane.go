package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// A Plane is the control plane as a node reaches it: a wish.Plane. One address that
// does not answer is left for the next.
type Plane struct {
	id     Identity
	planes []string
	at     atomic.Int64 // the one in use
	http   *http.Client
}

var _ wish.Plane = (*Plane)(nil)

// NewPlane is for a host that has joined. Planes are host:port.
func NewPlane(id Identity, planes []string) (*Plane, error) {
	c, err := id.client()
	if err != nil {
		return nil, err
	}
	t := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true, IdleConnTimeout: 2 * time.Minute, TLSHandshakeTimeout: 10 * time.Second,
		DialContext: (&net.Dialer{Timeout: 3 * time.Second}).DialContext, // a host without power says nothing
		HTTP2:       &http.HTTP2Config{SendPingTimeout: 4 * time.Second, PingTimeout: 3 * time.Second}}
	return &Plane{id: id, planes: planes, http: &http.Client{Transport: t}}, nil
}

// call does one request at the control plane in use, and at the others if that one
// cannot be reached; an answer, also one that refuses, is an answer.
func (p *Plane) call(ctx context.Context, method, path string, body []byte) (io.ReadCloser, error) {
	var errs []error
	for range p.planes {
		n := p.at.Load()
		at := p.planes[int(n)%len(p.planes)]
		req, err := http.NewRequestWithContext(ctx, method, "https://"+at+path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r, err := p.http.Do(req)
		if err == nil && r.StatusCode != http.StatusBadGateway && r.StatusCode != http.StatusServiceUnavailable {
			return said(r, nil)
		}
		if err == nil {
			_, err = said(r, nil)
		}
		if ctx.Err() != nil {
			return nil, err
		}
		errs = append(errs, fmt.Errorf("control plane %s: %w", at, err))
		p.at.CompareAndSwap(n, n+1)
	}
	return nil, errors.Join(errs...)
}

// Site is what the node has to know first.
func (p *Plane) Site(ctx context.Context) (s Site, err error) {
	body, err := p.call(ctx, "GET", "/v1/site", nil)
	err = into(&s, body, err)
	return s, err
}

// Wishes is wish.Plane's. The control plane answers now and then without a change.
func (p *Plane) Wishes(ctx context.Context, _ string, since int64) (ws wish.Wishes, err error) {
	body, err := p.call(ctx, "GET", fmt.Sprintf("/v1/wishes?since=%d&%s", since, brief), nil)
	err = into(&ws, body, err)
	return ws, err
}

// Report is wish.Plane's.
func (p *Plane) Report(ctx context.Context, r wish.Report) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	body, err := p.call(ctx, "POST", "/v1/report", b)
	return into(nil, body, err)
}

// Image is wish.Plane's.
func (p *Plane) Image(ctx context.Context, id string) (io.ReadCloser, error) {
	return p.call(ctx, "GET", "/v1/images/"+id, nil)
}

// renewEvery is how often a node looks whether its certificate is to be renewed.
const renewEvery = time.Hour

// Renew keeps the node's certificate good until the context ends.
func (p *Plane) Renew(ctx context.Context) {
	for t := time.NewTicker(renewEvery); ; {
		if err := p.renewIfDue(ctx, time.Now()); err != nil && ctx.Err() == nil {
			slog.Warn("the node's certificate could not be renewed", "cause", err)
		}
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// renewIfDue renews when a third of the certificate's life is left.
func (p *Plane) renewIfDue(ctx context.Context, now time.Time) error {
	from, to, err := p.id.life()
	if err != nil || !Due(from, to, now) {
		return err
	}
	return p.renew(ctx)
}

func (p *Plane) renew(ctx context.Context) error {
	at := p.planes[int(p.at.Load())%len(p.planes)]
	if err := p.id.ask(ctx, p.http, "https://"+at+"/v1/renew", ""); err != nil {
		return err
	}
	p.http.CloseIdleConnections() // the next shows the new one
	slog.Info("the node's certificate was renewed")
	return nil
}

// Refused tells whether an error says that this host is no node (any more).
func Refused(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Kind == fault.Unauthorized
}
