// Package fault is the kinds of error that may cross a room's edge.
//
// A fault carries words meant for the tenant; whatever caused it is wrapped for
// the log only. An error that is no fault is answered 500 without its text.
// Only internal/rest turns a Kind into an HTTP status.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what went wrong, in terms that a caller can act on.
type Kind int

const (
	Internal         Kind = iota
	Invalid               // 400: the request itself is wrong
	Unauthorized          // 401: who are you?
	Forbidden             // 403: not you
	NotFound              // 404
	MethodNotAllowed      // 405
	NotAcceptable         // 406: no such microversion
	Conflict              // 409: not in this state, or taken
	Gone                  // 410
	Precondition          // 412
	TooLarge              // 413
	Unsupported           // 415: media type
	Unprocessable         // 422
	OverQuota             // the status differs by service: nova 403, neutron 409, cinder 413
	TooMany               // 429
	Unimplemented         // 501
	Unavailable           // 503: try again
)

// Error is a fault. Type names it where a service's error shape has a name
// (neutron's NetworkNotFound, placement's code); Text is for the tenant.
type Error struct {
	Kind   Kind
	Type   string
	Text   string
	Detail any
	cause  error
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Text + ": " + e.cause.Error()
	}
	return e.Text
}

func (e *Error) Unwrap() error { return e.cause }

// New makes a fault with a formatted text.
func New(k Kind, format string, args ...any) *Error {
	if len(args) == 0 {
		return &Error{Kind: k, Text: format}
	}
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// Named gives the fault the name that its service's error shape shows.
func (e *Error) Named(t string) *Error { e.Type = t; return e }

// Because wraps what caused the fault; it is logged, never shown.
func (e *Error) Because(err error) *Error { e.cause = err; return e }

// With attaches what the service's error shape shows besides the text.
func (e *Error) With(detail any) *Error { e.Detail = detail; return e }

// Of finds the fault in err's chain; nil when there is none.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// Is reports whether err is a fault of kind k.
func Is(err error, k Kind) bool { e := Of(err); return e != nil && e.Kind == k }
