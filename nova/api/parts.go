package api

import (
	"context"
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/nova"
)

type ctxt = context.Context

// parts are metadata, tags, addresses and the history of a server.
func (s *service) parts() []rest.Route {
	one, all := s.shelf.Get("servers.metadata_one"), s.shelf.Get("servers.metadata_all")
	tag := rest.V(2, 26)
	return []rest.Route{
		{On: "GET /v2.1/servers/{id}/metadata", Rule: "os_compute_api:server-metadata:index", Do: rest.Do(s.metadata)},
		{On: "POST /v2.1/servers/{id}/metadata", Rule: "os_compute_api:server-metadata:create", Do: rest.Do(s.addMetadata), Body: all},
		{On: "PUT /v2.1/servers/{id}/metadata", Rule: "os_compute_api:server-metadata:update_all", Do: rest.Do(s.replaceMetadata), Body: all},
		{On: "GET /v2.1/servers/{id}/metadata/{key}", Rule: "os_compute_api:server-metadata:show", Do: rest.Do(s.showMetadata)},
		{On: "PUT /v2.1/servers/{id}/metadata/{key}", Rule: "os_compute_api:server-metadata:update", Do: rest.Do(s.setMetadata), Body: one},
		{On: "DELETE /v2.1/servers/{id}/metadata/{key}", Rule: "os_compute_api:server-metadata:delete", Do: rest.DoNothing(s.dropMetadata), Status: 204, Mutates: true},
		{On: "GET /v2.1/servers/{id}/tags", Since: tag, Rule: "os_compute_api:os-server-tags:index", Do: rest.Do(s.tags)},
		{On: "PUT /v2.1/servers/{id}/tags", Since: tag, Rule: "os_compute_api:os-server-tags:update_all", Do: rest.Do(s.setTags), Body: s.shelf.Get("servers.tags_all")},
		{On: "DELETE /v2.1/servers/{id}/tags", Since: tag, Rule: "os_compute_api:os-server-tags:delete_all", Do: rest.DoNothing(s.dropTags), Status: 204, Mutates: true},
		{On: "GET /v2.1/servers/{id}/tags/{tag}", Since: tag, Rule: "os_compute_api:os-server-tags:show", Do: rest.DoNothing(s.hasTag), Status: 204},
		{On: "PUT /v2.1/servers/{id}/tags/{tag}", Since: tag, Rule: "os_compute_api:os-server-tags:update", Do: rest.Do(s.addTag), Mutates: true},
		{On: "DELETE /v2.1/servers/{id}/tags/{tag}", Since: tag, Rule: "os_compute_api:os-server-tags:delete", Do: rest.DoNothing(s.dropTag), Status: 204, Mutates: true},
		{On: "GET /v2.1/servers/{id}/topology", Since: rest.V(2, 78), Rule: "compute:server:topology:index", Do: rest.Do(s.topology)},
		{On: "GET /v2.1/servers/{id}/ips", Rule: "os_compute_api:ips:index", Do: rest.Do(s.ips)},
		{On: "GET /v2.1/servers/{id}/ips/{label}", Rule: "os_compute_api:ips:show", Do: rest.Do(s.ip)},
		{On: "GET /v2.1/servers/{id}/os-instance-actions", Rule: "os_compute_api:os-instance-actions:list", Do: rest.Do(s.history), List: &rest.Listing{Key: "instanceActions", Filters: []string{"changes-since", "changes-before"}}},
		{On: "GET /v2.1/servers/{id}/os-instance-actions/{request}", Rule: "os_compute_api:os-instance-actions:show", Do: rest.Do(s.historyOne)},
	}
}

type metaPath struct {
	byID
	Key string `path:"key"`
}
type metaAll struct {
	byID
	Metadata map[string]string `json:"metadata"`
}

func (s *service) metadata(c *rest.Call, in byID) (map[string]map[string]string, error) {
	r, err := s.c.Visible(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]map[string]string{"metadata": r.Metadata}, nil
}

func (s *service) addMetadata(c *rest.Call, in metaAll) (map[string]map[string]string, error) {
	m, err := s.c.SetMetadata(c.Context(), in.ID, in.Metadata, false)
	return map[string]map[string]string{"metadata": m}, err
}

func (s *service) replaceMetadata(c *rest.Call, in metaAll) (map[string]map[string]string, error) {
	m, err := s.c.SetMetadata(c.Context(), in.ID, in.Metadata, true)
	return map[string]map[string]string{"metadata": m}, err
}

func (s *service) showMetadata(c *rest.Call, in metaPath) (map[string]map[string]string, error) {
	r, err := s.c.Visible(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	v, ok := r.Metadata[in.Key]
	if !ok {
		return nil, fault.New(fault.NotFound, "Metadata item was not found")
	}
	return map[string]map[string]string{"meta": {in.Key: v}}, nil
}

func (s *service) setMetadata(c *rest.Call, in struct {
	metaPath
	Meta map[string]string `json:"meta"`
}) (map[string]map[string]string, error) {
	if _, ok := in.Meta[in.Key]; !ok {
		return nil, fault.New(fault.Invalid, "Request body and URI mismatch")
	}
	_, err := s.c.SetMetadata(c.Context(), in.ID, in.Meta, false)
	return map[string]map[string]string{"meta": in.Meta}, err
}

func (s *service) dropMetadata(c *rest.Call, in metaPath) error {
	return s.c.DropMetadata(c.Context(), in.ID, in.Key)
}

type tagPath struct {
	byID
	Tag string `path:"tag"`
}

func (s *service) tags(c *rest.Call, in byID) (map[string][]string, error) {
	r, err := s.c.Visible(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string][]string{"tags": r.Tags}, nil
}

func (s *service) setTags(c *rest.Call, in struct {
	byID
	Tags []string `json:"tags"`
}) (map[string][]string, error) {
	t, err := s.c.SetTags(c.Context(), in.ID, in.Tags)
	return map[string][]string{"tags": t}, err
}

func (s *service) dropTags(c *rest.Call, in byID) error {
	_, err := s.c.SetTags(c.Context(), in.ID, nil)
	return err
}

func (s *service) hasTag(c *rest.Call, in tagPath) error {
	r, err := s.c.Visible(c.Context(), in.ID)
	if err == nil && !slices.Contains(r.Tags, in.Tag) {
		return fault.New(fault.NotFound, "Server %s has no tag '%s'", in.ID, in.Tag)
	}
	return err
}

func (s *service) addTag(c *rest.Call, in tagPath) (any, error) {
	if len(in.Tag) > 60 || strings.ContainsAny(in.Tag, ",/") || in.Tag == "" {
		return nil, fault.New(fault.Invalid, "Tag '%s' is invalid. It must be a string without characters '/' and ',', and of 1 to 60 characters.", in.Tag)
	}
	added, err := s.c.AddTag(c.Context(), in.ID, in.Tag)
	c.Route.Status = 204
	if added {
		c.Route.Status = 201
		c.W.Header().Set("Location", c.Base()+c.URL.Path)
	}
	return nil, err
}

func (s *service) dropTag(c *rest.Call, in tagPath) error {
	return s.c.DropTag(c.Context(), in.ID, in.Tag)
}

func (s *service) nicsOf(c *rest.Call, id string) ([]nova.NIC, error) {
	if _, err := s.c.Visible(c.Context(), id); err != nil {
		return nil, err
	}
	all, err := s.c.Networks.Of(c.Context(), id)
	return all[id], err
}

// A topologyView says which of a server's CPUs and memory are on which NUMA node. Flavors
// ask for none here, so that a server has no nodes of its own.
type topologyView struct {
	Nodes    []any `wire:"nodes"`
	PageSize *int  `wire:"pagesize_kb"`
}

func (s *service) topology(c *rest.Call, in byID) (topologyView, error) {
	_, err := s.c.Visible(c.Context(), in.ID)
	return topologyView{Nodes: []any{}}, err
}

func (s *service) ips(c *rest.Call, in byID) (map[string]map[string][]addr, error) {
	nics, err := s.nicsOf(c, in.ID)
	return map[string]map[string][]addr{"addresses": addresses(nics, false)}, err
}

func (s *service) ip(c *rest.Call, in struct {
	byID
	Label string `path:"label"`
}) (map[string][]addr, error) {
	nics, err := s.nicsOf(c, in.ID)
	if err != nil {
		return nil, err
	}
	l, ok := addresses(nics, false)[in.Label]
	if !ok {
		return nil, fault.New(fault.NotFound, "Network %s could not be found.", in.Label)
	}
	return map[string][]addr{in.Label: l}, nil
}

type actionView struct {
	Action    string      `wire:"action"`
	Server    string      `wire:"instance_uuid"`
	Request   string      `wire:"request_id"`
	UserID    string      `wire:"user_id"`
	ProjectID string      `wire:"project_id"`
	Start     *nanoTime   `wire:"start_time"`
	Message   *string     `wire:"message"`
	Updated   *nanoTime   `wire:"updated_at,2.58.."`
	Events    []eventView `wire:"events,,omitempty"`
}

type eventView struct {
	Event     string    `wire:"event"`
	Start     *nanoTime `wire:"start_time"`
	Finish    *nanoTime `wire:"finish_time"`
	Result    *string   `wire:"result"`
	Traceback *string   `wire:"traceback"`
	HostID    string    `wire:"hostId,2.62.."`
	Host      *string   `wire:"host,2.62..,omitempty"`
	Details   *string   `wire:"details,2.84.."`
}

func viewAction(a *nova.ServerAction) actionView {
	return actionView{Action: a.Action, Server: a.ServerID, Request: a.RequestID, UserID: a.UserID, ProjectID: a.ProjectID, Start: nano(a.StartedAt), Message: a.Message, Updated: nano(a.UpdatedAt)}
}

func (s *service) history(c *rest.Call, in byID) (listing.Page[actionView], error) {
	none := listing.Page[actionView]{}
	since, err := when(c.List, "changes-since")
	if err != nil {
		return none, err
	}
	before, err := when(c.List, "changes-before")
	if err != nil {
		return none, err
	}
	if _, err := s.historical(c, in.ID); err != nil {
		return none, err
	}
	rows, err := s.c.Actions(c.Context(), in.ID, c.List)
	if err != nil {
		return none, err
	}
	rows = slices.DeleteFunc(rows, func(a *nova.ServerAction) bool {
		return a.UpdatedAt.Before(since) || !before.IsZero() && a.UpdatedAt.After(before)
	})
	p := listing.Map(listing.Cut(rows, c.List.Limit), viewAction)
	if p.More {
		c.NextMarker = p.Items[len(p.Items)-1].Request
	}
	return p, nil
}

// historical is a server that may have been deleted: from 2.21 on its actions can be read.
func (s *service) historical(c *rest.Call, id string) (*nova.Server, error) {
	r, err := s.c.Server(c.Context(), id)
	if err != nil || !c.From(2, 21) && !r.DeletedAt.IsZero() || r.ProjectID != c.Who.Project.ID && !c.Who.Admin() {
		return nil, fault.New(fault.NotFound, "Instance %s could not be found.", id)
	}
	return r, nil
}

func (s *service) historyOne(c *rest.Call, in struct {
	byID
	Request string `path:"request"`
}) (map[string]actionView, error) {
	r, err := s.historical(c, in.ID)
	if err != nil {
		return nil, err
	}
	a, err := s.c.Action(c.Context(), in.ID, in.Request)
	if err != nil {
		return nil, err
	}
	v := viewAction(a)
	if c.May("os_compute_api:os-instance-actions:events", c.Own()) || c.From(2, 51) {
		e := eventView{Event: a.Event, Start: nano(a.StartedAt), Finish: nano(a.FinishedAt), Result: a.Result, HostID: hostID(r), Details: a.Details}
		if c.Who.Admin() && a.Host != "" {
			e.Host = &a.Host
		}
		v.Events = []eventView{e}
	}
	return map[string]actionView{"instanceAction": v}, nil
}
