package api

import (
	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) messages() []rest.Route {
	list := &rest.Listing{Key: "messages", Filters: []string{"id", "request_id", "event_id", "message_level", "resource_type", "resource_uuid"}, Sorts: []string{"id", "event_id", "resource_uuid", "resource_type", "message_level", "request_id", "created_at", "guaranteed_until"}, Also: []string{"all_tenants"}}
	return []rest.Route{
		{On: "GET /v3/messages", Since: rest.V(3, 3), Rule: "message:get_all", Do: rest.Do(s.listMessages), List: list},
		{On: "GET /v3/messages/{id}", Since: rest.V(3, 3), Rule: "message:get", Target: s.message, Do: rest.Do(s.showMessage)},
		{On: "DELETE /v3/messages/{id}", Since: rest.V(3, 3), Rule: "message:delete", Target: s.message, Do: rest.DoNothing(s.deleteMessage), Mutates: true, Status: 204},
		{On: "GET /v3/resource_filters", Since: rest.V(3, 33), Asks: "any token may see what lists can be filtered by", Do: rest.Do(s.resourceFilters)},
		{On: "GET /v3/default-types", Since: rest.V(3, 62), Rule: "volume_extension:default_get_all", Do: rest.Do(s.defaultTypes)},
		{On: "GET /v3/default-types/{id}", Since: rest.V(3, 62), Rule: "volume_extension:default_get", Target: rest.Ask("project_id", "id"), Do: rest.Do(s.defaultType)},
		{On: "PUT /v3/default-types/{id}", Since: rest.V(3, 62), Rule: "volume_extension:default_set_or_update", Target: rest.Ask("project_id", "id"), Do: rest.Do(s.setDefaultType), Body: s.shelf.Get("more.defaultType")},
		{On: "DELETE /v3/default-types/{id}", Since: rest.V(3, 62), Rule: "volume_extension:default_unset", Target: rest.Ask("project_id", "id"), Do: rest.DoNothing(s.unsetDefaultType), Mutates: true, Status: 204},
		{On: "GET /v3/clusters", Since: rest.V(3, 7), Rule: "clusters:get_all", Do: rest.Do(s.clusters)},
		{On: "GET /v3/clusters/detail", Since: rest.V(3, 7), Rule: "clusters:get_all", Do: rest.Do(s.clusters)},
		{On: "GET /v3/clusters/{id}", Since: rest.V(3, 7), Rule: "clusters:get", Do: rest.Do(s.noCluster)},
		{On: "PUT /v3/clusters/enable", Since: rest.V(3, 7), Rule: "clusters:update", Do: rest.Do(s.updateCluster), Body: s.shelf.Get("more.cluster")},
		{On: "PUT /v3/clusters/disable", Since: rest.V(3, 7), Rule: "clusters:update", Do: rest.Do(s.updateCluster), Body: s.shelf.Get("more.cluster")},
		{On: "POST /v3/workers/cleanup", Since: rest.V(3, 24), Rule: "workers:cleanup", Do: rest.Do(s.cleanUp), Body: s.shelf.Get("more.cleanup"), Status: 202},
	}
}

type messageView struct {
	ID       string `wire:"id"`
	Event    string `wire:"event_id"`
	Text     string `wire:"user_message"`
	Level    string `wire:"message_level"`
	Created  stamp  `wire:"created_at"`
	Until    stamp  `wire:"guaranteed_until"`
	Request  string `wire:"request_id"`
	Kind     string `wire:"resource_type"`
	Resource string `wire:"resource_uuid"`
	Links    []link `wire:"links"`
}

func viewMessage(c *rest.Call, m *cinder.Message) messageView {
	return messageView{m.ID, m.Event, m.Text, m.Level, stamp(m.CreatedAt), stamp(m.ExpiresAt), m.RequestID, m.ResourceType, m.ResourceID, self(c, "messages", m.ID)}
}

func (s *service) listMessages(c *rest.Call, _ struct{}) (listing.Page[messageView], error) {
	q, err := query(c)
	if err != nil {
		return listing.Page[messageView]{}, err
	}
	p, err := s.c.MessagesPage(c.Context(), q)
	return page(c, p, func(m *cinder.Message) messageView { return viewMessage(c, m) }), err
}

func (s *service) showMessage(c *rest.Call, in byID) (any, error) {
	m, err := s.c.Message(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"message": viewMessage(c, m)}, nil
}

func (s *service) deleteMessage(c *rest.Call, in byID) error {
	return s.c.ForgetMessage(c.Context(), in.ID)
}

// resourceFilters are what lists can be filtered by, by the things listed.
func (s *service) resourceFilters(c *rest.Call, in struct {
	Resource string `query:"resource"`
}) (any, error) {
	names := map[string]string{"volumes": "volume", "snapshots": "snapshot", "backups": "backup", "groups": "group", "group_snapshots": "group_snapshot", "attachments": "attachment", "messages": "message", "volume_types": "volume_type"}
	out := []any{}
	for _, r := range Routes(s.c) {
		name := ""
		if r.List != nil {
			name = names[r.List.Key]
		}
		if name == "" || in.Resource != "" && in.Resource != name {
			continue
		}
		delete(names, r.List.Key)
		out = append(out, map[string]any{"resource": name, "filters": r.List.Filters})
	}
	if in.Resource == "" || in.Resource == "pool" {
		out = append(out, map[string]any{"resource": "pool", "filters": []string{"name", "volume_type"}})
	}
	return map[string]any{"resource_filters": out}, nil
}

type defaultTypeView struct {
	Project string `wire:"project_id"`
	Type    string `wire:"volume_type_id"`
}

func (s *service) defaultTypes(c *rest.Call, _ struct{}) (any, error) {
	all, err := s.c.DefaultTypes(c.Context())
	out := []defaultTypeView{}
	for _, d := range all {
		out = append(out, defaultTypeView{d.ProjectID, d.TypeID})
	}
	return map[string]any{"default_types": out}, err
}

func (s *service) defaultType(c *rest.Call, in byID) (any, error) {
	d, err := s.c.ChosenType(c.Context(), in.ID)
	return map[string]any{"default_type": defaultTypeView{d.ProjectID, d.TypeID}}, err
}

func (s *service) setDefaultType(c *rest.Call, in struct {
	ID   string `path:"id"`
	Type struct {
		Name string `json:"volume_type"`
	} `json:"default_type"`
}) (any, error) {
	d, err := s.c.ChooseType(c.Context(), in.ID, in.Type.Name)
	return map[string]any{"default_type": defaultTypeView{d.ProjectID, d.TypeID}}, err
}

func (s *service) unsetDefaultType(c *rest.Call, in byID) error {
	return s.c.UnchooseType(c.Context(), in.ID)
}

// clusters are none: one program has all backends.
func (s *service) clusters(*rest.Call, struct{}) (any, error) {
	return map[string]any{"clusters": []any{}}, nil
}

func (s *service) noCluster(_ *rest.Call, in byID) (any, error) {
	return nil, fault.New(fault.NotFound, "Cluster %s could not be found.", in.ID)
}

func (s *service) updateCluster(_ *rest.Call, in struct {
	Name string `json:"name"`
}) (any, error) {
	return nil, fault.New(fault.NotFound, "Cluster %s could not be found.", in.Name)
}

// cleanUp has everything unfinished looked at again, at once: the rows are the queue.
func (s *service) cleanUp(*rest.Call, struct{}) (any, error) {
	s.c.Wake()
	return map[string]any{"cleaning": []any{}, "unavailable": []any{}}, nil
}
