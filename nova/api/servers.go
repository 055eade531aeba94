package api

import (
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/nova"
)

func (s *service) servers() []rest.Route {
	filters := []string{"name", "image", "flavor", "status", "host", "node", "ip", "ip6", "user_id", "project_id", "tenant_id", "uuid", "reservation_id", "hostname", "key_name", "vm_state", "task_state",
		"power_state", "all_tenants", "deleted", "changes-since", "changes-before", "tags", "tags-any", "not-tags", "not-tags-any", "locked", "availability_zone", "config_drive", "launched_at", "terminated_at",
		"access_ip_v4", "access_ip_v6", "created_at", "updated_at", "description", "launch_index", "display_name", "root_device_name", "progress"}
	sorts := []string{"access_ip_v4", "access_ip_v6", "auto_disk_config", "availability_zone", "config_drive", "created_at", "display_description", "display_name", "host", "hostname", "image_ref", "instance_type_id",
		"kernel_id", "key_name", "launch_index", "launched_at", "locked", "locked_by", "node", "power_state", "progress", "project_id", "ramdisk_id", "root_device_name", "task_state", "terminated_at", "updated_at", "user_id", "uuid", "vm_state"}
	list := &rest.Listing{Key: "servers", Filters: filters, Sorts: sorts}
	return []rest.Route{
		{On: "GET /v2.1/servers", Rule: "os_compute_api:servers:index", Do: rest.Do(s.listServers), List: list},
		{On: "GET /v2.1/servers/detail", Rule: "os_compute_api:servers:detail", Do: rest.Do(s.detailServers), List: list},
		{On: "POST /v2.1/servers", Rule: "os_compute_api:servers:create", Do: rest.Do(s.createServer), Body: s.shelf.Get("servers.create"), Status: 202},
		{On: "GET /v2.1/servers/{id}", Rule: "os_compute_api:servers:show", Do: rest.Do(s.showServer)},
		{On: "PUT /v2.1/servers/{id}", Rule: "os_compute_api:servers:update", Do: rest.Do(s.updateServer), Body: s.shelf.Get("servers.update")},
		{On: "DELETE /v2.1/servers/{id}", Rule: "os_compute_api:servers:delete", Do: rest.DoNothing(s.deleteServer), Status: 204, Mutates: true},
	}
}

func (s *service) listServers(c *rest.Call, _ struct{}) (listing.Page[brief], error) {
	p, err := s.find(c, "os_compute_api:servers:index:get_all_tenants")
	return listing.Map(p, func(r *nova.Server) brief { return brief{r.ID, r.Name, links(c, "servers", r.ID)} }), err
}

func (s *service) detailServers(c *rest.Call, _ struct{}) (listing.Page[serverView], error) {
	p, err := s.find(c, "os_compute_api:servers:detail:get_all_tenants")
	if err != nil {
		return listing.Page[serverView]{}, err
	}
	v, err := s.views(c, p.Items)
	return listing.Page[serverView]{Items: v, More: p.More}, err
}

func (s *service) showServer(c *rest.Call, in byID) (map[string]serverView, error) {
	r, err := s.c.Visible(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	v, err := s.views(c, []*nova.Server{r})
	if err != nil {
		return nil, err
	}
	return map[string]serverView{"server": v[0]}, nil
}
