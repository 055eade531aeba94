package api

import (
	"slices"
	"sort"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (s *service) quotas() []rest.Route {
	const at, rule = "/v3/os-quota-sets/{id}", "volume_extension:quotas:"
	own := rest.Ask("project_id", "id", "tenant_id", "id")
	return []rest.Route{
		{On: "GET " + at, Rule: rule + "show", Target: own, Do: rest.Do(s.showQuota)},
		{On: "GET " + at + "/defaults", Rule: rule + "show", Target: own, Do: rest.Do(s.quotaDefaults)},
		{On: "PUT " + at, Rule: rule + "update", Target: own, Do: rest.Do(s.updateQuota), Body: s.shelf.Get("volume.quota")},
		{On: "DELETE " + at, Rule: rule + "delete", Target: own, Do: rest.DoNothing(s.deleteQuota), Mutates: true},
		{On: "GET /v3/os-quota-class-sets/{id}", Rule: "volume_extension:quota_classes:get", Target: own, Do: rest.Do(s.showClass)},
		{On: "PUT /v3/os-quota-class-sets/{id}", Rule: "volume_extension:quota_classes:update", Target: own, Do: rest.Do(s.updateClass), Body: s.shelf.Get("volume.quotaClass")},
		{On: "GET /v3/limits", Asks: "any token may see its limits, and by limits_extension:used_limits what is used", Do: rest.Do(s.limits)},
	}
}

func quotaSet(limits map[string]int64) map[string]any {
	out := map[string]any{}
	for k, v := range limits {
		out[k] = v
	}
	return out
}

type use struct {
	Limit    int64 `wire:"limit"`
	Used     int64 `wire:"in_use"`
	Reserved int64 `wire:"reserved"`
}

func (s *service) showQuota(c *rest.Call, in struct {
	ID    string `path:"id"`
	Usage bool   `query:"usage"`
}) (any, error) {
	limits, err := s.c.Limits(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	out := quotaSet(limits)
	if in.Usage {
		used, err := s.c.UsedBy(c.Context(), in.ID)
		if err != nil {
			return nil, err
		}
		for k, l := range limits {
			out[k] = use{l, used[k], 0}
		}
	}
	out["id"] = in.ID
	return map[string]any{"quota_set": out}, nil
}

func (s *service) quotaDefaults(c *rest.Call, in byID) (any, error) {
	limits, err := s.c.Limits(c.Context(), "default")
	out := quotaSet(limits)
	out["id"] = in.ID
	return map[string]any{"quota_set": out}, err
}

// numbers reads limits, and refuses names that are none.
func numbers(given map[string]any, known map[string]int64, unknown string) (map[string]int64, error) {
	out := map[string]int64{}
	var bad []string
	for k, x := range given {
		if k == "tenant_id" || k == "id" {
			continue
		}
		if _, ok := known[k]; !ok {
			bad = append(bad, k)
			continue
		}
		n, err := quotaValue(k, x)
		if err != nil {
			return nil, err
		}
		out[k] = n
	}
	sort.Strings(bad)
	if len(bad) > 0 && unknown != "" {
		return nil, fault.New(fault.Invalid, unknown, strings.Join(bad, ", "))
	}
	return out, nil
}

func quotaValue(k string, x any) (int64, error) {
	switch v := x.(type) {
	case float64:
		if v == float64(int64(v)) && v >= -1 && v <= 0x7FFFFFFF {
			return int64(v), nil
		}
	case string:
		if n := integer(v); n != 0 && n >= -1 && n <= 0x7FFFFFFF || v == "0" {
			return n, nil
		}
	}
	return 0, fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: %v. %s must be an integer of -1 to 2147483647", k, x, k)
}

func (s *service) updateQuota(c *rest.Call, in struct {
	ID  string         `path:"id"`
	Set map[string]any `json:"quota_set"`
}) (any, error) {
	limits, err := s.c.Limits(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	values, err := numbers(in.Set, limits, "Bad key(s) in quota set: %s")
	if err != nil {
		return nil, err
	}
	if limits, err = s.c.SetQuotas(c.Context(), in.ID, values); err != nil {
		return nil, err
	}
	return map[string]any{"quota_set": quotaSet(limits)}, nil
}

func (s *service) deleteQuota(c *rest.Call, in byID) error {
	return s.c.ClearQuotas(c.Context(), in.ID)
}

// showClass: the one class there is is "default".
func (s *service) showClass(c *rest.Call, in byID) (any, error) {
	limits, err := s.c.Limits(c.Context(), "default")
	out := quotaSet(limits)
	out["id"] = in.ID
	return map[string]any{"quota_class_set": out}, err
}

func (s *service) updateClass(c *rest.Call, in struct {
	ID  string         `path:"id"`
	Set map[string]any `json:"quota_class_set"`
}) (any, error) {
	limits, err := s.c.Limits(c.Context(), "default")
	if err != nil {
		return nil, err
	}
	values, err := numbers(in.Set, limits, "Bad key(s) in quota set: %s")
	if err != nil {
		return nil, err
	}
	if in.ID == "default" {
		if err := s.c.SetDefaults(c.Context(), values); err != nil {
			return nil, err
		}
	}
	for k, v := range values {
		limits[k] = v
	}
	return map[string]any{"quota_class_set": quotaSet(limits)}, nil
}

// absolute are the limits shown, by the quota that each is of.
var absolute = map[string][2]string{"volumes": {"maxTotalVolumes", "totalVolumesUsed"}, "snapshots": {"maxTotalSnapshots", "totalSnapshotsUsed"}, "gigabytes": {"maxTotalVolumeGigabytes", "totalGigabytesUsed"},
	"backups": {"maxTotalBackups", "totalBackupsUsed"}, "backup_gigabytes": {"maxTotalBackupGigabytes", "totalBackupGigabytesUsed"}}

func (s *service) limits(c *rest.Call, in struct {
	Project *string `query:"project_id"`
}) (any, error) {
	project := c.Who.Project.ID
	if in.Project != nil && c.From(3, 39) && c.Who.Admin() {
		project = *in.Project
	}
	limits, err := s.c.Limits(c.Context(), project)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for k, names := range absolute {
		out[names[0]] = limits[k]
	}
	if c.May("limits_extension:used_limits", c.Own()) {
		used, err := s.c.UsedBy(c.Context(), project)
		if err != nil {
			return nil, err
		}
		for k, names := range absolute {
			out[names[1]] = used[k]
		}
	}
	return map[string]any{"limits": map[string]any{"rate": slices.Clip([]string{}), "absolute": out}}, nil
}
