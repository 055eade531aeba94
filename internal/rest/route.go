package rest

import (
	"fmt"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/token"
)

// A Route is one operation, and its fields are all there is to say about it.
type Route struct {
	On     string // "PUT /ports/{id}", as http.ServeMux reads it
	Action string // the body's one member that selects it, where several share On: "os-stop"
	Rule   string // asked of the policy; "" only with Open, or where Do asks itself (see Asks)
	Open   bool   // needs no token: version documents, sign-in
	Asks   string // why there is no Rule: which rules Do asks for, once it has seen the thing

	Since, Until Version // the microversions that have it; zero is no bound
	Body         Schemas // of the request, by microversion
	Mutates      bool    // changes something without a body schema; GET rows never do
	List         *Listing
	Status       int   // of a good answer; zero is 200
	MaxBody      int64 // bytes; zero is the API's
	Stream       bool  // Do reads the body itself

	// Target is what the policy looks at; nil is the caller's own project and user.
	Target func(*Call) (policy.Target, error)
	Do     func(*Call) (any, error) // made by Do or DoNothing
}

// An API is what the clients of one service see in all of its operations.
type API struct {
	Name     string        // of the microversion header: "compute"; of logs
	Versions Range         // offered; the zero Range has no microversions
	Legacy   string        // an older microversion header: "X-OpenStack-Nova-API-Version"
	Tokens   token.Checker // who calls
	// Tokenless is who calls without a token; a nil Who is nobody. It may be nil.
	Tokenless func(*Call) (*token.Who, error)
	Rules     *policy.Rules
	MaxBody   int64  // bytes; zero is 112 KiB, as oslo.middleware has it
	MaxLimit  int    // of a listing's page; zero is 1000
	Keystone  string // shown in WWW-Authenticate

	// Fault is the shape of an error.
	Fault func(c *Call, status int, f *fault.Error) any
	// Denied words the fault of a policy's no; nil is the usual wording.
	Denied func(rule string) *fault.Error
	// Violated words the fault of a body that does not match its schema.
	Violated func(v Violation) *fault.Error
	// Malformed is the fault of a body that is no JSON; nil is "Malformed request body".
	Malformed func() *fault.Error
	// Statuses that differ from the usual ones, such as OverQuota.
	Statuses map[fault.Kind]int
	// Links are members added to a listing; nil is "<key>_links", as nova does it.
	Links func(c *Call, next string) map[string]any
	// Audit, where there is one, is told of every call that may change something or
	// needs no token. It must call do once, with what it wants in c.Request's context,
	// and return what do returned. c.Route is not settled before do, but for its On.
	Audit func(c *Call, do func() (any, error)) (any, error)
	// RequestID headers; nil is X-Openstack-Request-Id alone.
	RequestID []string
}

// Version is a microversion, as major*1000+minor.
type Version int

// V makes a version of its parts.
func V(major, minor int) Version { return Version(major*1000 + minor) }

// ParseVersion reads "2.90".
func ParseVersion(s string) (Version, error) {
	a, b, ok := strings.Cut(s, ".")
	x, err1 := strconv.ParseUint(a, 10, 8)
	y, err2 := strconv.ParseUint(b, 10, 16)
	if !ok || err1 != nil || err2 != nil || y > 999 || len(b) > 1 && b[0] == '0' {
		return 0, fmt.Errorf("bad version %q", s)
	}
	return Version(x*1000 + y), nil
}

func (v Version) String() string { return fmt.Sprintf("%d.%d", v/1000, v%1000) }

// A Range of versions; zero ends are open.
type Range struct{ Min, Max Version }

// Has tells whether v is in the range.
func (r Range) Has(v Version) bool {
	return (r.Min == 0 || v >= r.Min) && (r.Max == 0 || v <= r.Max)
}

// Do makes an operation of a plain function. In is filled from path, query and
// body by its tags; Out is shown as the caller's microversion knows it.
func Do[In, Out any](f func(*Call, In) (Out, error)) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		var in In
		if err := c.fill(&in); err != nil {
			return nil, err
		}
		return f(c, in)
	}
}

// DoNothing is Do for an operation whose answer has no body.
func DoNothing[In any](f func(*Call, In) error) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		var in In
		if err := c.fill(&in); err != nil {
			return nil, err
		}
		return nil, f(c, in)
	}
}
