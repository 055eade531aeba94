package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"stackd/internal/fault"
)

// maxJSON is the largest document either side takes: a thousand guests with their metadata.
const maxJSON = 64 << 20

// A problem is how an error goes over the wire. Kind is a fault's, 0 for any other.
type problem struct {
	Kind fault.Kind `json:"kind"`
	Text string     `json:"text"`
}

func (p problem) error() error {
	if p.Kind == fault.Internal {
		return errors.New(p.Text)
	}
	return fault.New(p.Kind, "%s", p.Text)
}

// fail answers with an error. Both ends are the cloud's own, so a node and its control
// plane tell each other all.
func fail(w http.ResponseWriter, err error) {
	p, status := problem{Text: err.Error()}, http.StatusInternalServerError
	if f := fault.Of(err); f != nil {
		p.Kind = f.Kind
	}
	switch p.Kind {
	case fault.Unauthorized:
		status = http.StatusUnauthorized
	case fault.NotFound:
		status = http.StatusNotFound
	case fault.Invalid:
		status = http.StatusBadRequest
	case fault.Conflict:
		status = http.StatusConflict
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		slog.Debug("an error was not heard", "cause", err)
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.Debug("an answer was not heard", "cause", err)
	}
}

// read decodes a request's body, which is bounded.
func read(r *http.Request, v any) error {
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxJSON)).Decode(v); err != nil {
		return fault.New(fault.Invalid, "The body cannot be read.").Because(err)
	}
	return nil
}

// said is what a response says: its body, or its error.
func said(r *http.Response, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	if r.StatusCode < 300 {
		return r.Body, nil
	}
	defer r.Body.Close()
	var p problem
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&p); err != nil || p.Text == "" {
		return nil, fmt.Errorf("%s answers %s", r.Request.URL.Host, r.Status)
	}
	return nil, p.error()
}

// into decodes a response into v, which may be nil.
func into(v any, body io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer body.Close()
	if v != nil {
		return json.NewDecoder(io.LimitReader(body, maxJSON)).Decode(v)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(body, maxJSON))
	return err
}
