package api

import (
	"maps"
	"time"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/nova"
)

func (s *service) quotas() []rest.Route {
	target := rest.Ask("project_id", "id")
	const at = "/v2.1/os-quota-sets/{id}"
	return []rest.Route{
		{On: "GET /v2.1/limits", Asks: "any project's token; another project's needs limits:other_project", Do: rest.Do(s.limits)},
		{On: "GET " + at, Rule: "os_compute_api:os-quota-sets:show", Target: target, Do: rest.Do(s.showQuota)},
		{On: "PUT " + at, Rule: "os_compute_api:os-quota-sets:update", Target: target, Do: rest.Do(s.setQuota), Body: s.shelf.Get("admin.quotaSet")},
		{On: "DELETE " + at, Rule: "os_compute_api:os-quota-sets:delete", Target: target, Do: rest.DoNothing(s.deleteQuota), Status: 202, Mutates: true},
		{On: "GET " + at + "/detail", Rule: "os_compute_api:os-quota-sets:detail", Target: target, Do: rest.Do(s.detailQuota)},
		{On: "GET " + at + "/defaults", Rule: "os_compute_api:os-quota-sets:defaults", Target: target, Do: rest.Do(s.defaultQuota)},
		{On: "GET /v2.1/os-quota-class-sets/{id}", Rule: "os_compute_api:os-quota-class-sets:show", Do: rest.Do(s.showClass)},
		{On: "PUT /v2.1/os-quota-class-sets/{id}", Rule: "os_compute_api:os-quota-class-sets:update", Do: rest.Do(s.setClass), Body: s.shelf.Get("admin.quotaClass")},
		{On: "GET /v2.1/os-simple-tenant-usage", Rule: "os_compute_api:os-simple-tenant-usage:list", Do: rest.Do(s.listUsage)},
		{On: "GET /v2.1/os-simple-tenant-usage/{id}", Rule: "os_compute_api:os-simple-tenant-usage:show", Target: target, Do: rest.Do(s.showUsage)},
	}
}

func (s *service) limits(c *rest.Call, in struct {
	Tenant string `query:"tenant_id"`
}) (any, error) {
	project := c.Who.Project.ID
	if in.Tenant != "" && in.Tenant != project {
		if err := c.Require("os_compute_api:limits:other_project", c.Own()); err != nil {
			return nil, err
		}
		project = in.Tenant
	}
	l, err := s.c.Limits(c.Context(), project)
	if err != nil {
		return nil, err
	}
	u, err := s.c.Usage(c.Context(), project)
	if err != nil {
		return nil, err
	}
	abs := map[string]int{"maxTotalInstances": l["instances"], "maxTotalCores": l["cores"], "maxTotalRAMSize": l["ram"], "maxServerMeta": l["metadata_items"], "maxTotalKeypairs": l["key_pairs"],
		"maxServerGroups": l["server_groups"], "maxServerGroupMembers": l["server_group_members"], "totalRAMUsed": u.RAM, "totalCoresUsed": u.Cores, "totalInstancesUsed": u.Instances, "totalServerGroupsUsed": u.ServerGroups}
	if !c.From(2, 36) {
		maps.Copy(abs, map[string]int{"maxTotalFloatingIps": -1, "maxSecurityGroups": -1, "maxSecurityGroupRules": -1, "totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0})
	}
	if !c.From(2, 39) {
		abs["maxImageMeta"] = l["metadata_items"]
	}
	if !c.From(2, 57) {
		abs["maxPersonality"], abs["maxPersonalitySize"] = l["injected_files"], l["injected_file_content_bytes"]
	}
	return map[string]any{"limits": map[string]any{"rate": []any{}, "absolute": abs}}, nil
}

// shown is the resources of a quota set in the caller's microversion.
func shown(c *rest.Call, l map[string]int) map[string]any {
	out := map[string]any{}
	for _, name := range []string{"instances", "cores", "ram", "metadata_items", "key_pairs", "server_groups", "server_group_members"} {
		out[name] = l[name]
	}
	if !c.From(2, 36) {
		for _, name := range []string{"fixed_ips", "floating_ips", "security_groups", "security_group_rules"} {
			out[name] = -1
		}
	}
	if !c.From(2, 57) {
		for _, name := range []string{"injected_files", "injected_file_content_bytes", "injected_file_path_bytes"} {
			out[name] = l[name]
		}
	}
	return out
}

func (s *service) quotaSet(c *rest.Call, of, id string) (map[string]map[string]any, error) {
	l, err := s.c.Limits(c.Context(), of)
	if err != nil {
		return nil, err
	}
	v := shown(c, l)
	if id != "" {
		v["id"] = id
	}
	return map[string]map[string]any{"quota_set": v}, nil
}

func (s *service) showQuota(c *rest.Call, in byID) (map[string]map[string]any, error) {
	return s.quotaSet(c, in.ID, in.ID)
}

func (s *service) defaultQuota(c *rest.Call, in byID) (map[string]map[string]any, error) {
	return s.quotaSet(c, "default", in.ID)
}

func (s *service) setQuota(c *rest.Call, in struct {
	byID
	Set map[string]any `json:"quota_set"`
}) (map[string]map[string]any, error) {
	force, _ := rest.Bool(text(in.Set["force"]))
	u, err := s.c.Usage(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	used := map[string]int{"instances": u.Instances, "cores": u.Cores, "ram": u.RAM}
	values := map[string]int{}
	for name, v := range in.Set {
		if _, known := nova.QuotaDefaults[name]; !known {
			continue
		}
		n := number(v)
		if n < -1 {
			return nil, fault.New(fault.Invalid, "Quota limit %d for %s must be in the range of -1 and 2147483647.", n, name)
		}
		if !force && n >= 0 && used[name] > n {
			return nil, fault.New(fault.Invalid, "Quota limit %d for %s must be greater than or equal to already used and reserved %d.", n, name, used[name])
		}
		values[name] = n
	}
	if err := s.c.SetQuotas(c.Context(), in.ID, values); err != nil {
		return nil, err
	}
	return s.quotaSet(c, in.ID, "")
}

func (s *service) deleteQuota(c *rest.Call, in byID) error {
	return s.c.Tx(c.Context(), func(ctx ctxt) error { return s.c.DeleteQuotas(ctx, in.ID) })
}

func (s *service) detailQuota(c *rest.Call, in byID) (map[string]map[string]any, error) {
	l, err := s.c.Limits(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	u, err := s.c.Usage(c.Context(), in.ID)
	used := map[string]int{"instances": u.Instances, "cores": u.Cores, "ram": u.RAM, "server_groups": u.ServerGroups}
	out := map[string]any{"id": in.ID}
	for name, limit := range shown(c, l) {
		out[name] = map[string]any{"limit": limit, "in_use": used[name], "reserved": 0}
	}
	return map[string]map[string]any{"quota_set": out}, err
}

func (s *service) showClass(c *rest.Call, in byID) (map[string]map[string]any, error) {
	l, err := s.c.Limits(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	v := shown(c, l)
	v["id"] = in.ID
	return map[string]map[string]any{"quota_class_set": v}, nil
}

func (s *service) setClass(c *rest.Call, in struct {
	byID
	Set map[string]any `json:"quota_class_set"`
}) (map[string]map[string]any, error) {
	values := map[string]int{}
	for name, v := range in.Set {
		if _, known := nova.QuotaDefaults[name]; !known {
			return nil, fault.New(fault.Invalid, "Invalid input for field/attribute quota_class_set. Additional properties are not allowed ('%s' was unexpected)", name)
		}
		values[name] = number(v)
	}
	if err := s.c.SetQuotas(c.Context(), in.ID, values); err != nil {
		return nil, err
	}
	l, err := s.c.Limits(c.Context(), in.ID)
	return map[string]map[string]any{"quota_class_set": shown(c, l)}, err
}

type usageView struct {
	Tenant  string        `wire:"tenant_id"`
	Start   *nanoTime     `wire:"start"`
	Stop    *nanoTime     `wire:"stop"`
	Hours   float64       `wire:"total_hours"`
	VCPU    float64       `wire:"total_vcpus_usage"`
	Memory  float64       `wire:"total_memory_mb_usage"`
	Disk    float64       `wire:"total_local_gb_usage"`
	Servers []usageServer `wire:"server_usages,,omitempty"`
}

type usageServer struct {
	Hours   float64   `wire:"hours"`
	Flavor  string    `wire:"flavor"`
	ID      string    `wire:"instance_id"`
	Name    string    `wire:"name"`
	Tenant  string    `wire:"tenant_id"`
	Memory  int       `wire:"memory_mb"`
	Disk    int       `wire:"local_gb"`
	VCPUs   int       `wire:"vcpus"`
	Started *nanoTime `wire:"started_at"`
	Ended   *nanoTime `wire:"ended_at"`
	State   string    `wire:"state"`
	Uptime  int64     `wire:"uptime"`
}

type usageIn struct {
	Start    string `query:"start"`
	End      string `query:"end"`
	Detailed string `query:"detailed"`
}

// usage adds up, by project, how long servers lived between two times.
func (s *service) usage(c *rest.Call, in usageIn, project string) (map[string]*usageView, error) {
	end := s.c.Now()
	start := end.AddDate(0, 0, -28)
	for text, to := range map[string]*time.Time{in.Start: &start, in.End: &end} {
		if text == "" {
			continue
		}
		t, err := parseTime(text)
		if err != nil {
			return nil, err
		}
		*to = t
	}
	if start.After(end) {
		return nil, fault.New(fault.Invalid, "Invalid start time. The start time cannot occur after the end time.")
	}
	var rows []*nova.Server
	for _, deleted := range []bool{false, true} {
		l, err := s.c.Servers(c.Context(), nova.ServerQuery{ProjectID: project, Deleted: deleted})
		if err != nil {
			return nil, err
		}
		rows = append(rows, l...)
	}
	out := map[string]*usageView{}
	for _, r := range rows {
		addUsage(out, r, start, end)
	}
	return out, nil
}

func addUsage(out map[string]*usageView, r *nova.Server, start, end time.Time) {
	if r.LaunchedAt.IsZero() || r.LaunchedAt.After(end) || !r.TerminatedAt.IsZero() && r.TerminatedAt.Before(start) {
		return
	}
	from, to := r.LaunchedAt, end
	if from.Before(start) {
		from = start
	}
	if !r.TerminatedAt.IsZero() && r.TerminatedAt.Before(end) {
		to = r.TerminatedAt
	}
	h := to.Sub(from).Hours()
	u := out[r.ProjectID]
	if u == nil {
		u = &usageView{Tenant: r.ProjectID, Start: nano(start), Stop: nano(end)}
		out[r.ProjectID] = u
	}
	f := r.Flavor
	u.Hours, u.VCPU, u.Memory, u.Disk = u.Hours+h, u.VCPU+h*float64(f.VCPUs), u.Memory+h*float64(f.RAM), u.Disk+h*float64(f.Disk+f.Ephemeral)
	state := r.VMState
	if state == nova.Deleted {
		state = "terminated"
	}
	u.Servers = append(u.Servers, usageServer{h, f.Name, r.ID, r.Name, r.ProjectID, f.RAM, f.Disk + f.Ephemeral, f.VCPUs, nano(r.LaunchedAt), nano(r.TerminatedAt), state, int64(to.Sub(r.LaunchedAt).Seconds())})
}

func parseTime(text string) (time.Time, error) {
	for _, form := range []string{"2006-01-02T15:04:05.999999", "2006-01-02T15:04:05", "2006-01-02 15:04:05.999999", time.RFC3339, "2006-01-02"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "Datetime is in invalid format")
}

func (s *service) listUsage(c *rest.Call, in usageIn) (map[string][]*usageView, error) {
	all, err := s.usage(c, in, "")
	out := []*usageView{}
	for _, u := range all {
		if in.Detailed != "1" {
			u.Servers = nil
		}
		out = append(out, u)
	}
	return map[string][]*usageView{"tenant_usages": out}, err
}

func (s *service) showUsage(c *rest.Call, in struct {
	byID
	usageIn
}) (any, error) {
	all, err := s.usage(c, in.usageIn, in.ID)
	if u := all[in.ID]; u != nil {
		return map[string]*usageView{"tenant_usage": u}, nil
	}
	return map[string]map[string]string{"tenant_usage": {}}, err
}
