package wire

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"stackd/agent/join"
	"stackd/agent/wish"
	"stackd/internal/fault"
)

// waitFor is how long a node's question for changed wishes waits at most.
const waitFor = 50 * time.Second

type server struct {
	plane wish.Plane
	gate  *join.Gate
	site  Site
	slots chan struct{}
	turns chan struct{} // of reports
}

// mostReports are worked on at a time. A thousand nodes that report must not stand in
// front of every request in the database's queue.
const mostReports = 8

// A Site is what a node has to know of its cloud before it can work.
type Site struct {
	Southbound string `json:"southbound"` // OVN's southbound database: ssl:192.0.2.1:6642; "" when networks are simulated
}

// Serve is the control plane's side for nodes. It wants TLS as PlaneTLS sets it up.
func Serve(p wish.Plane, g *join.Gate, site Site) http.Handler {
	s := &server{plane: p, gate: g, site: site, slots: make(chan struct{}, 16), turns: make(chan struct{}, mostReports)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/join", s.join)
	for pattern, f := range map[string]func(http.ResponseWriter, *http.Request, string) error{
		"POST /v1/renew": s.renew, "GET /v1/site": s.tell, "GET /v1/wishes": s.wishes, "POST /v1/report": s.report, "GET /v1/images/{id}": s.image,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			host, err := s.who(r)
			if err == nil {
				err = f(w, r, host)
			}
			if err != nil {
				fail(w, err)
			}
		})
	}
	return mux
}

// PlaneTLS is for a control plane's listener: nodes show certificates, hosts that
// want to become nodes have none yet.
func PlaneTLS(g *join.Gate, now func() time.Time) (*tls.Config, error) {
	o, err := newOwn(g.Authority, now)
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return o.get() }, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: g.Pool(), MinVersion: tls.VersionTLS13,
		NextProtos: []string{"h2"}}, err
}

func (s *server) who(r *http.Request) (string, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return "", fault.New(fault.Unauthorized, "A node's certificate is wanted.")
	}
	return s.gate.Who(r.Context(), r.TLS.VerifiedChains[0][0])
}

type joining struct {
	Token   string `json:"token"`
	Host    string `json:"host"`
	Request string `json:"request"`
}

type joined struct {
	Certificate string `json:"certificate"`
	Authority   string `json:"authority"`
}

// join lets a host in. So many at once, so that guesses cost the cloud little.
func (s *server) join(w http.ResponseWriter, r *http.Request) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-r.Context().Done():
		return
	}
	var in joining
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	err := read(r, &in)
	if err == nil {
		var p join.Pass
		if p, err = join.ReadPass(in.Token); err != nil {
			err = fault.New(fault.Unauthorized, "%s", err)
		} else {
			err = s.admit(w, r, p, in)
		}
	}
	if err != nil {
		slog.Warn("a host was not let in", "host", in.Host, "from", r.RemoteAddr, "cause", err)
		fail(w, err)
	}
}

func (s *server) admit(w http.ResponseWriter, r *http.Request, p join.Pass, in joining) error {
	cert, err := s.gate.Join(r.Context(), p, in.Host, []byte(in.Request))
	if err != nil {
		return err
	}
	slog.Info("a host has joined", "host", in.Host, "from", r.RemoteAddr, "token", p.ID)
	answer(w, joined{string(cert), string(s.gate.PEM())})
	return nil
}

func (s *server) renew(w http.ResponseWriter, r *http.Request, host string) error {
	var in joining
	if err := read(r, &in); err != nil {
		return err
	}
	cert, err := s.gate.Renew(r.Context(), host, []byte(in.Request))
	if err == nil {
		answer(w, joined{string(cert), string(s.gate.PEM())})
	}
	return err
}

func (s *server) tell(w http.ResponseWriter, _ *http.Request, _ string) error {
	answer(w, s.site)
	return nil
}

func (s *server) wishes(w http.ResponseWriter, r *http.Request, host string) error {
	since, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "since: a number is wanted.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitFor)
	defer cancel()
	ws, err := s.plane.Wishes(ctx, host, since)
	if err == nil && ws.Serial == since && !r.URL.Query().Has(brief) { // a node of an earlier version reads all of it
		ws, err = s.plane.Wishes(r.Context(), host, 0)
	}
	if err == nil {
		answer(w, ws)
	}
	return err
}

// brief says that the asker knows an answer with its own serial for one without a change.
const brief = "brief"

func (s *server) report(w http.ResponseWriter, r *http.Request, host string) error {
	var in wish.Report
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Host != host {
		return fault.New(fault.Invalid, "host: a node reports for itself.")
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	err := s.plane.Report(r.Context(), in)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (s *server) image(w http.ResponseWriter, r *http.Request, host string) error {
	id := r.PathValue("id")
	ws, err := s.plane.Wishes(r.Context(), host, 0)
	if err != nil {
		return err
	}
	if !names(ws, id) {
		return fault.New(fault.NotFound, "No server on this host needs image %s.", id)
	}
	body, err := s.plane.Image(r.Context(), id)
	if err != nil {
		return err
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := io.Copy(w, body); err != nil {
		slog.Warn("an image was not sent whole", "image", id, "host", host, "cause", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// names tells whether a server that is wished for boots from an image, or is rescued with it.
func names(ws wish.Wishes, id string) bool {
	return slices.ContainsFunc(ws.Servers, func(s wish.Server) bool {
		return slices.ContainsFunc(s.Images(), func(i wish.Image) bool { return i.ID == id })
	})
}
