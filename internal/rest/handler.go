package rest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"stackd/internal/fault"

	"github.com/google/uuid"
)

// Handler serves the routes. Routes that share a pattern differ in version or action.
func (a *API) Handler(routes []Route) http.Handler {
	on, mux := map[string][]Route{}, http.NewServeMux()
	for _, r := range routes {
		if r.Rule == "" && !r.Open && r.Asks == "" {
			panic(r.On + ": no rule guards it")
		}
		on[r.On] = append(on[r.On], r)
	}
	for pattern, rs := range on {
		if strings.HasSuffix(pattern, " /") {
			pattern += "{$}" // the root alone, not all below it
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) {
			a.serve(&Call{Request: req, W: w, api: a, among: rs})
		})
	}
	mux.Handle("/", a.none(mux))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, straight(r)) })
}

// none answers what no row does.
func (a *API) none(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allow := allowed(mux, r)
		row := Route{Asks: "nothing", Do: func(c *Call) (any, error) {
			if allow != "" {
				w.Header().Set("Allow", allow)
				return nil, fault.New(fault.MethodNotAllowed, "The method %s is not allowed for this resource.", r.Method).Named("path")
			}
			return nil, fault.New(fault.NotFound, "The resource could not be found.").Named("path")
		}}
		a.serve(&Call{Request: r, W: w, api: a, among: []Route{row}})
	})
}

func allowed(mux *http.ServeMux, r *http.Request) string {
	var ms []string
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		other := *r
		other.Method = m
		if _, pattern := mux.Handler(&other); pattern != "/" {
			ms = append(ms, m)
		}
	}
	return strings.Join(ms, ", ")
}

// straight takes doubled and trailing slashes away, which some clients send.
func straight(r *http.Request) *http.Request {
	p := r.URL.Path
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	if len(p) > 1 {
		p = strings.TrimRight(p, "/")
	}
	if p = cmp.Or(p, "/"); p == r.URL.Path {
		return r
	}
	u := *r.URL
	u.Path, u.RawPath = p, ""
	r2 := *r
	r2.URL = &u
	return &r2
}

// serve answers one call, whatever happens in it.
func (a *API) serve(c *Call) {
	begin := time.Now()
	c.ID = "req-" + uuid.NewString()
	for _, h := range cmpSlice(a.RequestID, []string{"X-Openstack-Request-Id"}) {
		c.W.Header().Set(h, c.ID)
	}
	status := 0
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			slog.Error("panic", "request", c.ID, "cause", fmt.Sprint(p), "stack", string(debug.Stack()))
			status = a.fail(c, fmt.Errorf("panic: %v", p))
		}
		a.log(c, status, time.Since(begin))
	}()
	out, err := a.audited(c)
	a.versionHeaders(c)
	if err != nil {
		status = a.fail(c, err)
		return
	}
	status = a.succeed(c, out)
}

func (a *API) audited(c *Call) (any, error) {
	c.Route = c.among[0]
	if a.Audit == nil || c.Route.On == "" || !c.Route.Open && (c.Method == "GET" || c.Method == "HEAD") {
		return a.answer(c)
	}
	return a.Audit(c, func() (any, error) { return a.answer(c) })
}

// Status is the status of an error's answer; 0 is none.
func (c *Call) Status(err error) int {
	if err == nil {
		return 0
	}
	f := fault.Of(err)
	if f == nil {
		return 500
	}
	return cmp.Or(c.api.Statuses[f.Kind], statuses[f.Kind], 500)
}

func cmpSlice(a, b []string) []string {
	if len(a) > 0 {
		return a
	}
	return b
}

func (a *API) versionHeaders(c *Call) {
	if a.Versions.Max == 0 || c.Version == 0 {
		return
	}
	h := c.W.Header()
	h.Set("Openstack-Api-Version", a.Name+" "+c.Version.String())
	h.Add("Vary", "OpenStack-API-Version")
	if a.Legacy != "" {
		h.Set(a.Legacy, c.Version.String())
		h.Add("Vary", a.Legacy)
	}
}

// Written is what an operation returns that has written its answer itself.
type Written struct{ Status int }

// A Stream is an answer that is not JSON. Size < 0 is not known beforehand.
type Stream struct {
	Type string
	Size int64
	Body io.ReadCloser
}

func (a *API) succeed(c *Call, out any) int {
	status := cmp.Or(c.Route.Status, http.StatusOK)
	switch v := out.(type) {
	case Written:
		return v.Status
	case Stream:
		return c.stream(status, v)
	case nil:
		c.W.WriteHeader(status)
		return status
	}
	body, err := c.view(out)
	if err != nil {
		return a.fail(c, err)
	}
	return c.write(status, body)
}

func (c *Call) stream(status int, s Stream) int {
	defer s.Body.Close()
	c.W.Header().Set("Content-Type", s.Type)
	if s.Size >= 0 {
		c.W.Header().Set("Content-Length", fmt.Sprint(s.Size))
	}
	c.W.WriteHeader(status)
	if c.Method != "HEAD" {
		if _, err := io.Copy(c.W, s.Body); err != nil {
			slog.Warn("download ended early", "request", c.ID, "cause", err)
			panic(http.ErrAbortHandler)
		}
	}
	return status
}

func (c *Call) write(status int, body []byte) int {
	if c.W.Header().Get("Content-Type") == "" {
		c.W.Header().Set("Content-Type", "application/json")
	}
	c.W.Header().Set("Content-Length", fmt.Sprint(len(body)))
	c.W.WriteHeader(status)
	if c.Method != "HEAD" {
		c.W.Write(body)
	}
	return status
}

// view is the answer's JSON: a page with its key and links, or the thing itself.
func (c *Call) view(out any) ([]byte, error) {
	x := reflect.ValueOf(out)
	if c.Route.List == nil || x.Kind() != reflect.Struct || !x.FieldByName("Items").IsValid() {
		return encode(nil, x, c.Version, nil)
	}
	items := x.FieldByName("Items")
	next := ""
	if x.FieldByName("More").Bool() {
		if next = c.NextMarker; next == "" {
			next = lastID(items)
		}
	}
	b := append(appendString([]byte{'{'}, c.Route.List.Key), ':')
	b, err := encodeList(b, items, c.Version, c.List.Fields)
	if err != nil {
		return nil, err
	}
	links := c.links(next)
	if len(links) == 0 {
		return append(b, '}'), nil
	}
	more, err := encode(nil, reflect.ValueOf(links), c.Version, nil)
	return append(append(b, ','), more[1:]...), err
}

var statuses = map[fault.Kind]int{
	fault.Invalid: 400, fault.Unauthorized: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.MethodNotAllowed: 405,
	fault.NotAcceptable: 406, fault.Conflict: 409, fault.Gone: 410, fault.Precondition: 412, fault.TooLarge: 413, fault.Unsupported: 415,
	fault.Unprocessable: 422, fault.OverQuota: 403, fault.TooMany: 429, fault.Unimplemented: 501, fault.Unavailable: 503,
}

// fail writes the error in the service's shape and logs what caused it.
func (a *API) fail(c *Call, err error) int {
	f := fault.Of(err)
	if f == nil || f.Kind == fault.Internal {
		if c.Context().Err() != nil {
			f = fault.New(fault.Unavailable, "The client went away.")
		} else {
			slog.Error("request failed", "service", a.Name, "request", c.ID, "method", c.Method, "path", c.URL.Path, "project", c.project(), "cause", err)
			f = fault.New(fault.Internal, "An unexpected error prevented the server from fulfilling your request.")
		}
	} else if f.Unwrap() != nil {
		slog.Info("refused", "service", a.Name, "request", c.ID, "project", c.project(), "text", f.Text, "cause", f.Unwrap())
	}
	status := cmp.Or(a.Statuses[f.Kind], statuses[f.Kind], 500)
	if status == 401 && c.W.Header().Get("Www-Authenticate") == "" {
		c.W.Header().Set("Www-Authenticate", fmt.Sprintf("Keystone uri=%q", a.Keystone))
	}
	shape := a.Fault(c, status, f)
	if text, ok := shape.(string); ok {
		return c.write(status, []byte(text))
	}
	b, e := encode(nil, reflect.ValueOf(shape), c.Version, nil)
	if e != nil {
		slog.Error("cannot write an error", "cause", e)
	}
	return c.write(status, b)
}

func (c *Call) project() string {
	if c.Who == nil {
		return ""
	}
	return c.Who.Project.ID
}

func (a *API) log(c *Call, status int, took time.Duration) {
	slog.LogAttrs(context.Background(), slog.LevelInfo, "request", slog.String("service", a.Name), slog.String("request", c.ID), slog.String("method", c.Method),
		slog.String("path", c.URL.Path), slog.Int("status", status), slog.Int64("us", took.Microseconds()), slog.String("project", c.project()))
}

type mountKey struct{}

// Mount serves h below prefix ("/compute"); links then carry the prefix.
func Mount(prefix string, h http.Handler) http.Handler {
	return http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" {
			r.URL.Path = "/"
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), mountKey{}, prefix)))
	}))
}

func mounted(r *http.Request) string { s, _ := r.Context().Value(mountKey{}).(string); return s }
