package api

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) manage() []rest.Route {
	var out []rest.Route
	for _, k := range []struct {
		at, old, rule, schema string
		list, detail, make    func(*rest.Call) (any, error)
	}{
		{"manageable_volumes", "os-volume-manage", "volume_extension:volume_manage", "volume", rest.Do(s.listManageable(false, false)), rest.Do(s.listManageable(false, true)), rest.Do(s.manageVolume)},
		{"manageable_snapshots", "os-snapshot-manage", "snapshot_extension:snapshot_manage", "snapshot", rest.Do(s.listManageable(true, false)), rest.Do(s.listManageable(true, true)), rest.Do(s.manageSnapshot)},
	} {
		rule := strings.Replace(strings.Replace(k.rule, "volume_manage", "list_manageable", 1), "snapshot_manage", "list_manageable", 1)
		for at, since := range map[string]rest.Version{"/v3/" + k.at: rest.V(3, 8), "/v3/" + k.old: 0} {
			list := &rest.Listing{Key: strings.Replace(k.at, "_", "-", 1), Filters: []string{"host", "cluster"}, Sorts: []string{"size", "reference"}}
			out = append(out, rest.Route{On: "GET " + at, Since: since, Rule: rule, Do: k.list, List: list},
				rest.Route{On: "GET " + at + "/detail", Since: since, Rule: rule, Do: k.detail, List: list},
				rest.Route{On: "POST " + at, Since: since, Rule: k.rule, Do: k.make, Body: s.shelf.Get("manage." + k.schema), Status: 202})
		}
	}
	slices.SortFunc(out, func(a, b rest.Route) int { return cmp.Compare(a.On, b.On) })
	return out
}

type manageableView struct {
	Reference map[string]string `wire:"reference"`
	Size      int64             `wire:"size"`
	Safe      bool              `wire:"safe_to_manage"`
	Source    map[string]string `wire:"source_reference,,omitempty"`
	*manageableDetail
}

type manageableDetail struct {
	Reason *string `wire:"reason_not_safe"`
	ID     *string `wire:"cinder_id"`
	Extra  *string `wire:"extra_info"`
}

// listManageable are a host's things; paging by offset, limit and sort.
func (s *service) listManageable(snapshots, detail bool) func(*rest.Call, struct{}) (listing.Page[manageableView], error) {
	return func(c *rest.Call, _ struct{}) (listing.Page[manageableView], error) {
		host := cmp.Or(c.List.First("host"), c.List.First("cluster"))
		if host == "" {
			return listing.Page[manageableView]{}, fault.New(fault.Invalid, "Either host or cluster needs to be specified.")
		}
		find := s.c.ManageableVolumes
		if snapshots {
			find = s.c.ManageableSnapshots
		}
		all, err := find(c.Context(), host)
		if err != nil {
			return listing.Page[manageableView]{}, err
		}
		sortManageable(all, c.List.Sorts)
		q, err := query(c)
		if err != nil {
			return listing.Page[manageableView]{}, err
		}
		all = all[min(q.Offset, len(all)):]
		if c.URL.Query().Get("limit") == "0" {
			all = nil
		}
		return listing.Map(listing.Cut(all, c.List.Limit), func(m cinder.Manageable) manageableView { return viewManageable(m, detail) }), nil
	}
}

func viewManageable(m cinder.Manageable, detail bool) manageableView {
	v := manageableView{Reference: map[string]string{"source-name": m.Name}, Size: (m.Bytes + cinder.GiB - 1) / cinder.GiB, Safe: m.Safe()}
	if m.Of != "" {
		v.Source = map[string]string{"source-name": "volume-" + m.Of}
	}
	if detail {
		v.manageableDetail = &manageableDetail{some(m.Reason()), some(m.ManagedAs), nil}
	}
	return v
}

func sortManageable(all []cinder.Manageable, by []listing.Sort) {
	slices.SortStableFunc(all, func(a, b cinder.Manageable) int {
		for _, k := range by {
			n := strings.Compare(a.Name, b.Name)
			if k.Key == "size" {
				n = cmp.Compare(a.Bytes, b.Bytes)
			}
			if k.Desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
}

// reference reads {"source-name": …}, or a text alone.
func reference(raw json.RawMessage) (string, error) {
	var m map[string]string
	if json.Unmarshal(raw, &m) == nil && m["source-name"] != "" {
		return m["source-name"], nil
	}
	var t string
	if json.Unmarshal(raw, &t) == nil && t != "" {
		return t, nil
	}
	return "", fault.New(fault.Invalid, "Manage existing volume failed due to invalid backend reference %s: Reference must contain source-name element.", raw)
}

func (s *service) manageVolume(c *rest.Call, in struct {
	Volume struct {
		named
		Host     string            `json:"host"`
		Cluster  string            `json:"cluster"`
		Type     *string           `json:"volume_type"`
		Bootable any               `json:"bootable"`
		Metadata map[string]string `json:"metadata"`
		Ref      json.RawMessage   `json:"ref"`
	}
}) (any, error) {
	b := in.Volume
	ref, err := reference(b.Ref)
	if err != nil {
		return nil, err
	}
	w := cinder.ManageSpec{Host: cmp.Or(b.Host, b.Cluster), Ref: ref, Bootable: yes(b.Bootable)}
	if w.Host == "" {
		return nil, fault.New(fault.Invalid, "Either host or cluster needs to be specified.")
	}
	w.Type, w.Metadata = text(b.Type), b.Metadata
	w.Name, w.Description = b.both()
	v, err := s.c.ManageVolume(c.Context(), c.Who, w)
	if err != nil {
		return nil, err
	}
	return map[string]any{"volume": s.view(c, v, false)}, nil
}

func (s *service) manageSnapshot(c *rest.Call, in struct {
	Snapshot struct {
		named
		Volume   string            `json:"volume_id"`
		Metadata map[string]string `json:"metadata"`
		Ref      json.RawMessage   `json:"ref"`
	}
}) (any, error) {
	b := in.Snapshot
	ref, err := reference(b.Ref)
	if err != nil {
		return nil, err
	}
	w := cinder.ManageSpec{Ref: ref, VolumeID: b.Volume}
	w.Metadata = b.Metadata
	w.Name, w.Description = b.both()
	p, err := s.c.ManageSnapshot(c.Context(), c.Who, w)
	if err != nil {
		return nil, err
	}
	return map[string]any{"snapshot": viewSnapshot(c, p, false)}, nil
}
