package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"stackd/agent/join"
	"stackd/agent/wish"
)

// Lives reaches nodes' live sides from a control plane.
type Lives struct {
	gate *join.Gate
	own  *own
}

// NewLives makes a control plane's certificate for its calls.
func NewLives(g *join.Gate, now func() time.Time) (*Lives, error) {
	o, err := newOwn(g.Authority, now)
	return &Lives{g, o}, err
}

// At is the live side of a host that listens at an address (host:port).
func (l *Lives) At(host, address string) wish.Live {
	t := &http.Transport{ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 10 * time.Second},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: l.gate.Pool(), ServerName: join.NodeName(host),
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return l.own.get() }}}
	return &live{"https://" + address + "/v1/servers/", &http.Client{Transport: t}}
}

type live struct {
	base string
	http *http.Client
}

func (l *live) call(ctx context.Context, method, path string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, l.base+path, body)
	if err != nil {
		return nil, err
	}
	return said(l.http.Do(req))
}

func (l *live) ConsoleLog(ctx context.Context, id string, lines int) (text string, err error) {
	body, err := l.call(ctx, "GET", fmt.Sprintf("%s/console?lines=%d", id, lines), nil)
	err = into(&text, body, err)
	return text, err
}

func (l *live) Diagnostics(ctx context.Context, id string) (d wish.Diagnostics, err error) {
	body, err := l.call(ctx, "GET", id+"/diagnostics", nil)
	err = into(&d, body, err)
	return d, err
}

func (l *live) Interrupt(ctx context.Context, id string) error {
	body, err := l.call(ctx, "POST", id+"/interrupt", nil)
	return into(nil, body, err)
}

func (l *live) CopyDisk(ctx context.Context, id string, volume, where wish.Disk) error {
	b, err := json.Marshal(copying{volume, where})
	if err != nil {
		return err
	}
	body, err := l.call(ctx, "POST", id+"/copy", bytes.NewReader(b))
	return into(nil, body, err)
}

func (l *live) Capture(ctx context.Context, id string) (io.ReadCloser, error) {
	return l.call(ctx, "GET", id+"/disk", nil)
}

// VNC is a stream both ways: the request's body and its answer. It outlives ctx, as a
// display does that is dialled.
func (l *live) VNC(ctx context.Context, id string) (io.ReadWriteCloser, error) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, cancel)() // while it is opened
	out, in := io.Pipe()
	body, err := l.call(own, "POST", id+"/display", out)
	if err != nil {
		cancel()
		return nil, err
	}
	return &screen{body, in, cancel}, nil
}

type screen struct {
	io.ReadCloser
	in     *io.PipeWriter
	cancel func()
}

func (s *screen) Write(b []byte) (int, error) { return s.in.Write(b) }

func (s *screen) Close() error {
	s.in.Close()
	defer s.cancel()
	return s.ReadCloser.Close()
}
