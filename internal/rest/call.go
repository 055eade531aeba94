package rest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/token"
)

// A Call is one request on its walk: what was asked, by whom, in which version.
type Call struct {
	*http.Request
	W       http.ResponseWriter // for headers; only Stream operations write to it
	Who     *token.Who          // nil on Open routes without a token
	Version Version
	List    listing.List
	ID      string // of the request: req-…
	Route   Route

	// NextMarker overrides the marker of the next page: the last item's "id".
	NextMarker string

	api    *API
	among  []Route
	body   json.RawMessage
	values url.Values
}

// Values are the query's, parsed once; they are not to be changed.
func (c *Call) Values() url.Values {
	if c.values == nil {
		c.values = c.URL.Query()
	}
	return c.values
}

// Body is the request's body, checked to be JSON; nil when there was none.
func (c *Call) Body() json.RawMessage { return c.body }

// Read decodes the body into v, for operations that look at it more than once.
func (c *Call) Read(v any) error {
	if err := json.Unmarshal(c.body, v); err != nil {
		return wrongType(err)
	}
	return nil
}

// Peek is a text somewhere in the body, for a Target: policy comes before the body's
// own gate. It is "" where there is none; what is wrong with the body the gate tells.
func (c *Call) Peek(path ...string) (string, error) {
	if err := c.api.readBody(c, cmp.Or(c.Route.MaxBody, c.api.MaxBody)); err != nil {
		return "", err
	}
	var at any
	if c.body == nil || json.Unmarshal(c.body, &at) != nil {
		return "", nil
	}
	for _, p := range path {
		m, _ := at.(map[string]any)
		at = m[p]
	}
	s, _ := at.(string)
	return s, nil
}

// From tells whether the caller's microversion is at least major.minor.
func (c *Call) From(major, minor int) bool { return c.Version >= V(major, minor) }

// Own is the target for things of the caller's own project.
func (c *Call) Own() policy.Target {
	if c.Who == nil {
		return policy.Target{}
	}
	return policy.Target{"project_id": c.Who.Project.ID, "tenant_id": c.Who.Project.ID, "user_id": c.Who.User.ID}
}

// May asks the policy about a further rule.
func (c *Call) May(rule string, t policy.Target) bool {
	return c.Who != nil && c.api.Rules.Allows(rule, c.Who, t)
}

// Require is May as an error.
func (c *Call) Require(rule string, t policy.Target) error {
	if c.May(rule, t) {
		return nil
	}
	return c.api.denied(rule)
}

func (a *API) denied(rule string) error {
	if a.Denied != nil {
		return a.Denied(rule)
	}
	return fault.New(fault.Forbidden, "Policy doesn't allow %s to be performed.", rule)
}

// Base is the address that the client used for this service, without a slash at
// its end: http://host:8774, or https://host/compute.
func (c *Call) Base() string {
	scheme := "http"
	if c.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.Host + mounted(c.Request)
}

// fill sets in's fields from body, path and query by their tags.
func (c *Call) fill(in any) error {
	if c.body != nil && !c.isList() { // a list is for the operation to Read
		if err := json.Unmarshal(c.body, in); err != nil {
			return wrongType(err)
		}
	}
	if v := reflect.ValueOf(in).Elem(); v.Kind() == reflect.Struct {
		return c.fillFields(v)
	}
	return nil
}

func (c *Call) isList() bool { return bytes.HasPrefix(bytes.TrimSpace(c.body), []byte("[")) }

func (c *Call) fillFields(v reflect.Value) error {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			if err := c.fillFields(v.Field(i)); err != nil {
				return err
			}
		}
		if name := f.Tag.Get("path"); name != "" {
			v.Field(i).SetString(c.PathValue(name))
		}
		if name := f.Tag.Get("query"); name != "" {
			if values, ok := c.Values()[name]; ok {
				if err := setQuery(v.Field(i), name, values); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func wrongType(err error) error {
	if e, ok := err.(*json.UnmarshalTypeError); ok && e.Field != "" {
		return fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value is a %s, %s is wanted.", e.Field, e.Value, e.Type)
	}
	return fault.New(fault.Invalid, "Malformed request body").Because(err)
}

func setQuery(f reflect.Value, name string, values []string) error {
	s := values[0]
	switch f.Kind() {
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fault.New(fault.Invalid, "Invalid input for query parameters %s. Value: %s. %s is not a whole number", name, s, Repr(s))
		}
		f.SetInt(n)
	case reflect.Bool:
		b, ok := Bool(s)
		if !ok {
			return fault.New(fault.Invalid, "Invalid input for query parameters %s. Value: %s. %s is not a boolean", name, s, Repr(s))
		}
		f.SetBool(b)
	case reflect.Slice:
		f.Set(reflect.ValueOf(values))
	case reflect.Pointer:
		f.Set(reflect.ValueOf(&s))
	default:
		f.SetString(s)
	}
	return nil
}
