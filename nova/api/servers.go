package api

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
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

// find reads the servers that the query string asks for.
func (s *service) find(c *rest.Call, allTenants string) (listing.Page[*nova.Server], error) {
	none := listing.Page[*nova.Server]{}
	q, empty, err := s.serverQuery(c, allTenants)
	if err != nil || empty {
		return none, err
	}
	rows, err := s.c.Servers(c.Context(), q)
	if err != nil {
		return none, err
	}
	return listing.Cut(rows, q.Limit), nil
}

func (s *service) serverQuery(c *rest.Call, allTenants string) (q nova.ServerQuery, empty bool, err error) {
	l := c.List
	q = nova.ServerQuery{List: l, ProjectID: c.Who.Project.ID}
	q.Where = map[string][]string{}
	admin := c.May("os_compute_api:servers:allow_all_filters", c.Own())
	for _, name := range []string{"image", "user_id", "reservation_id", "hostname", "key_name", "host", "node", "vm_state", "task_state", "uuid", "access_ip_v4", "access_ip_v6", "launch_index"} {
		adminOnly := slices.Contains([]string{"host", "node", "user_id", "vm_state", "task_state", "uuid", "hostname", "key_name", "launch_index"}, name)
		if l.Has(name) && (admin || !adminOnly || c.From(2, 83) && slices.Contains([]string{"user_id", "key_name", "vm_state", "task_state", "launch_index", "hostname"}, name)) {
			q.Where[name] = l.Where[name]
		}
	}
	if v, ok := rest.Bool(l.First("all_tenants")); l.Has("all_tenants") && (v || !ok && l.First("all_tenants") == "") {
		if err := c.Require(allTenants, c.Own()); err != nil {
			return q, false, err
		}
		q.ProjectID = l.First("project_id") + l.First("tenant_id")
	} else if l.Has("all_tenants") && !ok {
		return q, false, fault.New(fault.Invalid, "Invalid value for all_tenants: %s", l.First("all_tenants"))
	}
	q.NameRegex = l.First("name")
	q.Tags, q.AnyTags, q.NotTags, q.NotAnyTags = csv(l, "tags"), csv(l, "tags-any"), csv(l, "not-tags"), csv(l, "not-tags-any")
	if v, ok := rest.Bool(l.First("deleted")); ok && v && admin {
		q.Deleted = true
	}
	if empty, err = s.states(c, &q); err != nil || empty {
		return q, empty, err
	}
	if q.ChangesSince, err = when(l, "changes-since"); err != nil {
		return q, false, err
	}
	if q.ChangesBefore, err = when(l, "changes-before"); err != nil {
		return q, false, err
	}
	empty, err = s.byFlavorAndAddress(c, &q)
	return q, empty, err
}

func csv(l listing.List, name string) []string {
	if l.First(name) == "" {
		return nil
	}
	return strings.Split(l.First(name), ",")
}

// states turns status filters into vm_states; an unknown status matches nothing.
func (s *service) states(c *rest.Call, q *nova.ServerQuery) (empty bool, err error) {
	for _, st := range c.List.Where["status"] {
		if strings.EqualFold(st, "deleted") && !c.Who.Admin() {
			return false, fault.New(fault.Forbidden, "Only administrators may list deleted instances")
		}
		if strings.EqualFold(st, "deleted") {
			q.Deleted = true
		}
		q.States = append(q.States, nova.StatesOf(strings.ToUpper(st))...)
	}
	return len(c.List.Where["status"]) > 0 && q.States == nil, nil
}

func when(l listing.List, name string) (time.Time, error) {
	text := l.First(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "Invalid input for query parameters %s. Value: %s. '%s' is not a 'date-time'", name, text, text)
}

// byFlavorAndAddress narrows by what the servers table does not have as a column.
func (s *service) byFlavorAndAddress(c *rest.Call, q *nova.ServerQuery) (empty bool, err error) {
	narrow := func(ids []string) {
		if q.IDs == nil {
			q.IDs = append([]string{}, ids...)
			return
		}
		q.IDs = slices.DeleteFunc(q.IDs, func(id string) bool { return !slices.Contains(ids, id) })
	}
	for name, v6 := range map[string]bool{"ip": false, "ip6": true} {
		if !c.List.Has(name) {
			continue
		}
		ids, err := s.c.Networks.WithAddress(c.Context(), c.List.First(name), v6)
		if err != nil {
			return false, err
		}
		narrow(ids)
	}
	if f := c.List.First("flavor"); f != "" {
		all, err := s.c.Servers(c.Context(), nova.ServerQuery{ProjectID: q.ProjectID})
		if err != nil {
			return false, err
		}
		ids := []string{}
		for _, r := range all {
			if r.Flavor.ID == f {
				ids = append(ids, r.ID)
			}
		}
		narrow(ids)
	}
	if v, ok := rest.Bool(c.List.First("locked")); ok && c.From(2, 73) {
		q.Where["locked"] = []string{strconv.FormatBool(v)}
	}
	return q.IDs != nil && len(q.IDs) == 0, nil
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

type createIn struct {
	Hints  map[string]any `json:"os:scheduler_hints"`
	Hints2 map[string]any `json:"OS-SCH-HNT:scheduler_hints"`
	Server struct {
		Name, ImageRef, AdminPass, AccessIPv4, AccessIPv6 string
		FlavorRef                                         any                     `json:"flavorRef"`
		Metadata                                          map[string]string       `json:"metadata"`
		Networks                                          json.RawMessage         `json:"networks"`
		Disk                                              string                  `json:"OS-DCF:diskConfig"`
		AZ                                                string                  `json:"availability_zone"`
		BDM                                               []deviceIn              `json:"block_device_mapping_v2"`
		OldBDM                                            []deviceIn              `json:"block_device_mapping"`
		ConfigDrive                                       any                     `json:"config_drive"`
		KeyName                                           string                  `json:"key_name"`
		Min                                               any                     `json:"min_count"`
		Max                                               any                     `json:"max_count"`
		WantReservation                                   any                     `json:"return_reservation_id"`
		Groups                                            []struct{ Name string } `json:"security_groups"`
		UserData                                          string                  `json:"user_data"`
		Description                                       *string                 `json:"description"`
		Tags                                              []string                `json:"tags"`
		Personality                                       []any                   `json:"personality"`
		Host                                              string                  `json:"host"`
		Node                                              string                  `json:"hypervisor_hostname"`
		Hostname                                          string                  `json:"hostname"`
		Certs                                             []any                   `json:"trusted_image_certificates"`
	} `json:"server"`
}

type createOut struct {
	Reservation string       `wire:"reservation_id,,omitempty"`
	Server      *createdView `wire:"server,,omitempty"`
}

type createdView struct {
	ID     string     `wire:"id"`
	Links  []link     `wire:"links"`
	Disk   string     `wire:"OS-DCF:diskConfig"`
	Groups []nameOnly `wire:"security_groups"`
	Pass   string     `wire:"adminPass"`
}

func (s *service) createServer(c *rest.Call, in createIn) (createOut, error) {
	s.ctx(c)
	spec, err := s.spec(c, in)
	if err != nil {
		return createOut{}, err
	}
	rows, err := s.c.CreateServers(c.Context(), spec)
	if err != nil {
		return createOut{}, err
	}
	if want, _ := rest.Bool(text(in.Server.WantReservation)); want {
		return createOut{Reservation: rows[0].ReservationID}, nil
	}
	v := createdView{ID: rows[0].ID, Links: links(c, "servers", rows[0].ID), Disk: spec.DiskConfig, Pass: spec.AdminPassword}
	for _, g := range spec.Asked.SecurityGroups {
		v.Groups = append(v.Groups, nameOnly{g})
	}
	c.W.Header().Set("Location", v.Links[0].Href)
	return createOut{Server: &v}, nil
}

func (s *service) updateServer(c *rest.Call, in struct {
	byID
	Server struct {
		Name, AccessIPv4, AccessIPv6, Hostname *string
		Disk                                   *string         `json:"OS-DCF:diskConfig"`
		Description                            json.RawMessage `json:"description"`
	} `json:"server"`
}) (map[string]any, error) {
	v := in.Server
	u := nova.ServerUpdate{Name: v.Name, AccessIPv4: v.AccessIPv4, AccessIPv6: v.AccessIPv6, DiskConfig: v.Disk, Hostname: v.Hostname}
	if v.AccessIPv6 != nil {
		ip := canonical(*v.AccessIPv6)
		u.AccessIPv6 = &ip
	}
	d, err := orNil(v.Description)
	if err != nil {
		return nil, err
	}
	u.Description = d
	r, err := s.c.Update(c.Context(), in.ID, u)
	if err != nil {
		return nil, err
	}
	view, err := s.changed(c, r)
	return map[string]any{"server": view}, err
}

func (s *service) deleteServer(c *rest.Call, in byID) error {
	s.ctx(c)
	return s.c.Delete(c.Context(), in.ID, false)
}

// spec turns what the wire says into what compute takes.
func (s *service) spec(c *rest.Call, in createIn) (nova.ServerSpec, error) {
	v := in.Server
	out := nova.ServerSpec{Name: strings.TrimSpace(v.Name), FlavorID: text(v.FlavorRef), Hostname: v.Hostname, Description: v.Description, KeyName: v.KeyName, UserData: v.UserData,
		Metadata: v.Metadata, Tags: v.Tags, AccessIPv4: v.AccessIPv4, AccessIPv6: canonical(v.AccessIPv6), DiskConfig: v.Disk, AdminPassword: v.AdminPass}
	if out.DiskConfig == "" {
		out.DiskConfig = "MANUAL"
	}
	if out.Description == nil && !c.From(2, 19) {
		out.Description = &out.Name
	}
	if out.AdminPassword == "" {
		out.AdminPassword = password()
	}
	out.ConfigDrive, _ = rest.Bool(text(v.ConfigDrive))
	out.ZeroDisk = c.May("os_compute_api:servers:create:zero_disk_flavor", c.Own())
	for _, f := range []func(*rest.Call, createIn, *nova.ServerSpec) error{specImage, specCount, specUserData, specNetworks, specPlace} {
		if err := f(c, in, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func specCount(_ *rest.Call, in createIn, out *nova.ServerSpec) error {
	out.Min, out.Max = 1, 0
	if in.Server.Min != nil {
		out.Min, _ = strconv.Atoi(text(in.Server.Min))
	}
	out.Max = out.Min
	if in.Server.Max != nil {
		out.Max, _ = strconv.Atoi(text(in.Server.Max))
	}
	if in.Server.Min == nil && in.Server.Max != nil {
		out.Min = 1
	}
	if out.Min > out.Max {
		return fault.New(fault.Invalid, "min_count must be <= max_count")
	}
	if out.Max > 1 && out.Hostname != "" {
		return fault.New(fault.Invalid, "Unable to allocate multiple instances with a hostname")
	}
	return nil
}

func specUserData(_ *rest.Call, in createIn, out *nova.ServerSpec) error {
	if _, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(out.UserData), "")); err != nil {
		return fault.New(fault.Invalid, "Userdata content cannot be decoded")
	}
	out.UserData = strings.Join(strings.Fields(out.UserData), "")
	if len(in.Server.Personality) > 0 {
		return noInjection()
	}
	if len(in.Server.Certs) > 0 {
		return noCertificates()
	}
	return nil
}

func specNetworks(_ *rest.Call, in createIn, out *nova.ServerSpec) error {
	for _, g := range in.Server.Groups {
		if !slices.Contains(out.Asked.SecurityGroups, g.Name) {
			out.Asked.SecurityGroups = append(out.Asked.SecurityGroups, g.Name)
		}
	}
	if len(out.Asked.SecurityGroups) == 0 {
		out.Asked.SecurityGroups = []string{"default"}
	}
	raw := in.Server.Networks
	switch string(raw) {
	case "", "null", "[]", `"auto"`:
		out.Asked.Auto = true
		return nil
	case `"none"`:
		out.Asked.NoNetwork = true
		return nil
	}
	var list []struct {
		UUID    string `json:"uuid"`
		Port    string `json:"port"`
		FixedIP string `json:"fixed_ip"`
		Tag     string `json:"tag"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return fault.New(fault.Invalid, "Malformed request body")
	}
	for _, n := range list {
		r := nova.NetworkRequest{NetworkID: n.UUID, PortID: n.Port, FixedIP: n.FixedIP, Tag: n.Tag}
		if n.Port != "" {
			r.NetworkID = ""
		}
		if n.Port != "" && n.FixedIP != "" {
			return fault.New(fault.Invalid, "Specified Fixed IP '%s' cannot be used with port '%s': the two cannot be specified together.", n.FixedIP, n.Port)
		}
		if r.NetworkID == "" && r.PortID == "" {
			return fault.New(fault.Invalid, "Bad network format: missing 'uuid'")
		}
		out.Asked.Networks = append(out.Asked.Networks, r)
	}
	return nil
}

func specPlace(c *rest.Call, in createIn, out *nova.ServerSpec) error {
	az, host, _ := strings.Cut(in.Server.AZ, ":")
	host, _, _ = strings.Cut(host, ":")
	out.Asked.AZ, out.Asked.Host = az, host
	if host != "" {
		if err := c.Require("os_compute_api:servers:create:forced_host", c.Own()); err != nil {
			return err
		}
		out.Asked.AZ = ""
	}
	if h := in.Server.Host + in.Server.Node; h != "" {
		if err := c.Require("compute:servers:create:requested_destination", policy.Target{"project_id": c.Who.Project.ID}); err != nil {
			return err
		}
		out.Asked.Host = in.Server.Host
		if out.Asked.Host == "" {
			out.Asked.Host = in.Server.Node
		}
	}
	out.Asked.Hints = map[string][]string{}
	for _, hints := range []map[string]any{in.Hints, in.Hints2} {
		for k, v := range hints {
			if l, ok := v.([]any); ok {
				for _, x := range l {
					out.Asked.Hints[k] = append(out.Asked.Hints[k], text(x))
				}
			} else {
				out.Asked.Hints[k] = []string{text(v)}
			}
		}
	}
	if g := out.Asked.Hints["group"]; len(g) > 0 {
		out.Asked.GroupID = g[0]
	}
	return nil
}
