package api

import (
	"context"
	"net/http"
	"time"

	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/neutron"
)

type agentView struct {
	ID           string         `wire:"id"`
	Type         string         `wire:"agent_type"`
	Binary       string         `wire:"binary"`
	Topic        string         `wire:"topic"`
	Host         string         `wire:"host"`
	AdminStateUp bool           `wire:"admin_state_up"`
	CreatedAt    string         `wire:"created_at"`
	StartedAt    string         `wire:"started_at"`
	Heartbeat    string         `wire:"heartbeat_timestamp"`
	Description  *string        `wire:"description"`
	Synced       *bool          `wire:"resources_synced"`
	Zone         *string        `wire:"availability_zone"`
	Alive        bool           `wire:"alive"`
	Config       map[string]any `wire:"configurations"`
}

func spaced(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

func agentViewOf(x *neutron.Agent) any {
	if x.Config == nil {
		x.Config = map[string]any{}
	}
	return &agentView{ID: x.ID, Type: x.Type, Binary: x.Binary, Topic: "N/A", Host: x.Host, AdminStateUp: x.AdminStateUp, CreatedAt: spaced(x.CreatedAt), StartedAt: spaced(x.StartedAt),
		Heartbeat: spaced(x.HeartbeatAt), Description: orNone(x.Description), Alive: x.Alive(time.Now()), Config: x.Config}
}

type agentSpec struct {
	up          neutron.Maybe[bool]
	description neutron.Maybe[string]
}

// agents are listed, described and forgotten; nodes make them by reporting.
func (a *API) agents() []rest.Route {
	r := &resource[neutron.Agent, agentSpec]{
		a: a, one: "agent", many: "agents",
		attrs: []attr[agentSpec]{
			field("admin_state_up", put, boolean, func(s *agentSpec) *neutron.Maybe[bool] { return &s.up }),
			field("description", put, orNull(text(255)), func(s *agentSpec) *neutron.Maybe[string] { return &s.description }),
		},
		readonly: []string{"id", "agent_type", "binary", "topic", "host", "created_at", "started_at", "heartbeat_timestamp", "alive", "configurations", "availability_zone", "resources_synced"},
		filters:  []string{"id", "agent_type", "binary", "host", "admin_state_up", "description"},
		sorts:    []string{"id", "agent_type", "binary", "host", "admin_state_up", "created_at", "started_at", "heartbeat_timestamp", "description"},
		list:     a.n.Agents, show: a.n.Agent, remove: a.n.DeleteAgent,
		update: func(ctx context.Context, id string, s agentSpec) (*neutron.Agent, error) {
			return a.n.UpdateAgent(ctx, id, s.up, s.description)
		},
		view: agentViewOf, target: func(x *neutron.Agent) policy.Target { return policy.Target{"id": x.ID} },
	}
	var out []rest.Route
	for _, row := range r.routes() {
		if row.On != "POST "+r.at() {
			out = append(out, row)
		}
	}
	return out
}

type zoneView struct {
	Name     string `wire:"name"`
	Resource string `wire:"resource"`
	State    string `wire:"state"`
}

func (a *API) zoneRoutes() []rest.Route {
	return []rest.Route{{On: "GET /v2.0/availability_zones", Rule: "get_availability_zone", Status: http.StatusOK, Do: rest.Do(func(*rest.Call, none) (any, error) {
		out := []zoneView{}
		for _, z := range a.n.Zones() {
			out = append(out, zoneView{z, "network", "available"}, zoneView{z, "router", "available"})
		}
		return map[string]any{"availability_zones": out}, nil
	})}}
}
