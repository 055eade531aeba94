package api

import (
	"maps"
	"strconv"

	"stackd/cinder"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

type volumeBrief struct {
	ID    string  `wire:"id"`
	Name  *string `wire:"name"`
	Links []link  `wire:"links"`
}

type volumeView struct {
	ID          string            `wire:"id"`
	Status      string            `wire:"status"`
	Size        int64             `wire:"size"`
	Zone        string            `wire:"availability_zone"`
	Created     stamp             `wire:"created_at"`
	Updated     stamp             `wire:"updated_at"`
	Name        *string           `wire:"name"`
	Description *string           `wire:"description"`
	Type        string            `wire:"volume_type"`
	Snapshot    *string           `wire:"snapshot_id"`
	Source      *string           `wire:"source_volid"`
	Metadata    map[string]string `wire:"metadata"`
	Links       []link            `wire:"links"`
	User        string            `wire:"user_id"`
	Bootable    string            `wire:"bootable"`
	Encrypted   bool              `wire:"encrypted"`
	Replication *string           `wire:"replication_status"`
	OldGroup    *string           `wire:"consistencygroup_id"`
	Multiattach bool              `wire:"multiattach"`
	Attachments []attached        `wire:"attachments"`
	Migration   *string           `wire:"migration_status"`
	Group       *string           `wire:"group_id,3.13.."`
	Shared      *bool             `wire:"shared_targets,3.48.."`
	Service     *string           `wire:"service_uuid,3.48.."`
	TypeID      string            `wire:"volume_type_id,3.63.."`
	KeyID       string            `wire:"encryption_key_id,3.64..,omitempty"`
	Consumes    bool              `wire:"consumes_quota,3.65.."`
	Image       map[string]string `wire:"volume_image_metadata,,omitempty"`
	*tenantView
	*adminView
}

type tenantView struct {
	Project string `wire:"os-vol-tenant-attr:tenant_id"`
}

type adminView struct {
	Provider  *string `wire:"provider_id,3.21.."`
	Cluster   *string `wire:"cluster_name,3.61.."`
	Host      *string `wire:"os-vol-host-attr:host"`
	Migration *string `wire:"os-vol-mig-status-attr:migstat"`
	NameID    *string `wire:"os-vol-mig-status-attr:name_id"`
}

type attached struct {
	ID         string  `wire:"id"`
	Attachment string  `wire:"attachment_id"`
	Volume     string  `wire:"volume_id"`
	Server     *string `wire:"server_id"`
	Host       *string `wire:"host_name"`
	Device     *string `wire:"device"`
	At         stamp   `wire:"attached_at"`
}

// some is nil for "".
func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// view is a volume as the caller may see it; whole adds what only shows and lists have.
func (s *service) view(c *rest.Call, v *cinder.Volume, whole bool) volumeView {
	shared := false
	w := volumeView{ID: v.ID, Status: v.Status, Size: v.Size, Zone: v.Zone, Created: stamp(v.CreatedAt), Updated: stamp(v.UpdatedAt), Name: v.Name, Description: v.Description, Type: v.TypeName,
		Snapshot: some(v.SnapshotID), Source: some(v.SourceID), Metadata: v.Metadata, Links: self(c, "volumes", v.ID), User: v.UserID, Bootable: strconv.FormatBool(v.Bootable), Encrypted: v.KeyID != "",
		Multiattach: v.Multiattach, Attachments: []attached{}, Group: some(v.GroupID), Shared: &shared, TypeID: v.TypeID, KeyID: v.KeyID, Consumes: true}
	if len(v.Admin) > 0 { // shown among the user's own
		w.Metadata = maps.Clone(v.Metadata)
		maps.Copy(w.Metadata, v.Admin)
	}
	if v.Backend != "" {
		w.Service = some(cinder.ServiceID(v.Backend))
	}
	t := policy.Target{"project_id": v.ProjectID, "tenant_id": v.ProjectID}
	admin := c.May("volume_extension:volume_host_attribute", t)
	for _, a := range v.Attachments {
		if a.Status != cinder.Attached && a.Status != cinder.Detaching {
			continue
		}
		e := attached{ID: v.ID, Attachment: a.ID, Volume: v.ID, Server: some(a.ServerID), Device: some(a.Mountpoint), At: stamp(a.AttachedAt)}
		if admin {
			e.Host = some(a.Host)
		}
		w.Attachments = append(w.Attachments, e)
	}
	if admin {
		w.Migration = some(v.Migration)
	}
	if !whole {
		return w
	}
	if c.May("volume_extension:volume_image_metadata:show", t) {
		w.Image = v.Image
	}
	if c.May("volume_extension:volume_tenant_attribute", t) {
		w.tenantView = &tenantView{v.ProjectID}
	}
	if admin {
		w.adminView = &adminView{Host: some(v.Backend), Migration: some(v.Migration)}
	}
	return w
}
