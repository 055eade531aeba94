package api

import (
	"net"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) auditRows() []rest.Route {
	sorts := &rest.Listing{Key: "events", Filters: []string{"user_id", "project_id", "action", "outcome", "target_id", "request_id"}, Sorts: []string{"at", "id"}, Also: []string{"since", "until"}, Strict: true}
	return []rest.Route{
		{On: "GET /v3/OS-AUDIT/events", Rule: "admin_required", Target: nobody, List: sorts, Do: rest.Do(a.events)},
		{On: "GET /v3/OS-AUDIT/events/{id}", Rule: "admin_required", Target: nobody, Do: rest.Do(a.event)},
	}
}

// audit keeps an event of every change and of every sign-in.
func (a *API) audit(c *rest.Call, do func() (any, error)) (any, error) {
	e := &keystone.Event{Path: c.Method + " " + c.URL.Path, Agent: c.UserAgent(), RequestID: c.ID, SignIn: signsIn(c.Route.On)}
	e.Address, _, _ = net.SplitHostPort(c.RemoteAddr)
	if e.Action = "authenticate"; !e.SignIn {
		if c.Route.Open && (c.Method == "GET" || c.Method == "HEAD") {
			return do()
		}
		e.Action, e.TargetType, e.TargetID = actionOf(c)
	}
	e.Proves = e.SignIn || strings.HasSuffix(c.Route.On, "/password")
	c.Request = c.Request.WithContext(a.id.Trace(c.Context(), e))
	out, err := do()
	reason := ""
	if f := fault.Of(err); f != nil {
		reason = f.Text
	}
	a.id.Conclude(c.Context(), c.Who, c.Status(err), reason)
	return out, err
}

// signsIn tells whether an operation proves who somebody is.
func signsIn(on string) bool {
	_, path, _ := strings.Cut(on, " ")
	switch path {
	case "/v3/auth/tokens", "/v3/ec2tokens", "/v3/s3tokens", "/v3/OS-OAUTH2/token":
		return strings.HasPrefix(on, "POST ")
	}
	return strings.Contains(path, "OS-FEDERATION") && (strings.HasSuffix(path, "/auth") || strings.HasSuffix(path, "/callback") || strings.HasSuffix(path, "/websso") || strings.Contains(path, "/websso/") || strings.HasSuffix(path, "/saml2/acs"))
}

var verbs = map[string]string{"POST": "created", "PUT": "created", "PATCH": "updated", "DELETE": "deleted"}

// actionOf names what a call does by its row, as keystone's own notifications do:
// "created.user". The id of what is to be made is not known yet.
func actionOf(c *rest.Call) (action, kind, id string) {
	if strings.HasSuffix(c.Route.On, "/password") {
		return "updated.user", "user", c.PathValue("id")
	}
	parts := strings.Split(c.Route.On, "/")
	last := parts[len(parts)-1]
	if name, ok := strings.CutPrefix(last, "{"); ok {
		id, last = c.PathValue(strings.TrimSuffix(name, "}")), parts[len(parts)-2]
	}
	kind = strings.TrimSuffix(last, "s")
	if y, ok := strings.CutSuffix(last, "ies"); ok {
		kind = y + "y"
	}
	if kind == "role" && id != "" && (strings.Contains(c.Route.On, "/users/") || strings.Contains(c.Route.On, "/groups/")) {
		kind = "role_assignment"
	}
	return verbs[c.Method] + "." + kind, kind, id
}

type eventView struct {
	TypeURI   string         `wire:"typeURI"`
	EventType string         `wire:"eventType"`
	ID        string         `wire:"id"`
	EventTime stamp          `wire:"eventTime"`
	Action    string         `wire:"action"`
	Outcome   string         `wire:"outcome"`
	Reason    map[string]any `wire:"reason,,omitempty"`
	Initiator map[string]any `wire:"initiator"`
	Target    map[string]any `wire:"target"`
	Observer  map[string]any `wire:"observer"`
	Path      string         `wire:"requestPath"`
	Repeats   int64          `wire:"repeats"`
}

// eventOf is an event in the CADF form (DMTF DSP0262).
func eventOf(e *keystone.Event) eventView {
	v := eventView{TypeURI: "http://schemas.dmtf.org/cloud/audit/1.0/event", EventType: "activity", ID: e.ID, EventTime: stamp(e.At), Action: e.Action, Outcome: e.Outcome,
		Initiator: map[string]any{"id": e.UserID, "typeURI": "service/security/account/user", "name": e.UserName, "user_id": e.UserID, "project_id": e.ProjectID,
			"domain_id": e.DomainID, "request_id": e.RequestID, "host": map[string]any{"address": e.Address, "agent": e.Agent}},
		Target:   map[string]any{"id": e.TargetID, "typeURI": "data/security/" + e.TargetType},
		Observer: map[string]any{"id": "keystone", "typeURI": "service/security", "name": "keystone"}, Path: e.Path, Repeats: e.Repeats}
	if e.Action == "authenticate" {
		v.Target["typeURI"] = "service/security/account/user"
	}
	if e.Code != 0 {
		v.Reason = map[string]any{"reasonCode": e.Code, "reasonType": e.Reason}
	}
	return v
}

// EventsPage is a page of events in the CADF form, as JSON.
func EventsPage(es []*keystone.Event) ([]byte, error) {
	out := []eventView{}
	for _, e := range es {
		out = append(out, eventOf(e))
	}
	return rest.Render(map[string]any{"events": out})
}

func (a *API) events(c *rest.Call, _ struct{}) (listing.Page[eventView], error) {
	var bounds [2]time.Time
	for n, name := range []string{"since", "until"} {
		if text := c.URL.Query().Get(name); text != "" {
			var s stamp
			if err := s.UnmarshalJSON([]byte(`"` + text + `"`)); err != nil {
				return listing.Page[eventView]{}, fault.New(fault.Invalid, "Invalid input for query parameter %s: %s is not a time.", name, rest.Repr(text))
			}
			bounds[n] = time.Time(s)
		}
	}
	c.List.Limit = min(c.List.Limit, 1000)
	page, err := a.id.Events(c.Context(), c.List, bounds[0], bounds[1])
	return listing.Map(page, eventOf), err
}

func (a *API) event(c *rest.Call, in idIn) (any, error) {
	e, err := a.id.Event(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"event": eventOf(e)}, nil
}
