package api

import (
	"stackd/cinder"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

func (s *service) attachments() []rest.Route {
	const at, rule = "/v3/attachments", "volume:attachment_"
	since := rest.V(3, 27)
	list := &rest.Listing{Key: "attachments", Filters: []string{"volume_id", "status", "instance_id", "attach_status", "project_id", "id"}, Sorts: []string{"id", "created_at", "volume_id", "status", "attach_status"}, Also: []string{"all_tenants"}}
	return []rest.Route{
		{On: "GET " + at, Since: since, Asks: "any project's token may list its own", Do: rest.Do(s.listAttachments), List: list},
		{On: "GET " + at + "/detail", Since: since, Asks: "any project's token may list its own", Do: rest.Do(s.detailAttachments), List: list},
		{On: "POST " + at, Since: since, Rule: rule + "create", Target: s.ofVolume("attachment", "volume_uuid"), Do: rest.Do(s.createAttachment), Body: s.shelf.Get("volume.attachment")},
		{On: "GET " + at + "/{id}", Since: since, Asks: "any project's token may see its own", Do: rest.Do(s.showAttachment)},
		{On: "PUT " + at + "/{id}", Since: since, Rule: rule + "update", Target: s.attachment, Do: rest.Do(s.updateAttachment), Body: s.shelf.Get("volume.attachmentUpdate")},
		{On: "DELETE " + at + "/{id}", Since: since, Rule: rule + "delete", Target: s.attachment, Do: rest.Do(s.deleteAttachment), Mutates: true},
		{On: "POST " + at + "/{id}/action", Action: "os-complete", Since: rest.V(3, 44), Rule: rule + "complete", Target: s.attachment, Do: rest.DoNothing(s.completeAttachment), Body: s.shelf.Get("actions.any"), Status: 204},
	}
}

type attachmentBrief struct {
	ID     string  `wire:"id"`
	Status string  `wire:"status"`
	Server *string `wire:"instance"`
	Volume string  `wire:"volume_id"`
}

type attachmentView struct {
	attachmentBrief
	At         any            `wire:"attached_at"`
	Gone       string         `wire:"detached_at"`
	Mode       *string        `wire:"attach_mode"`
	Connection map[string]any `wire:"connection_info"`
}

func brief(a *cinder.Attachment) attachmentBrief {
	return attachmentBrief{a.ID, a.Status, some(a.ServerID), a.VolumeID}
}

func viewAttachment(a *cinder.Attachment) attachmentView {
	v := attachmentView{brief(a), "", "", some(a.Mode), a.Connection}
	if !a.AttachedAt.IsZero() {
		v.At = stamp(a.AttachedAt)
	}
	if v.Connection == nil {
		v.Connection = map[string]any{}
	}
	return v
}

func (s *service) findAttachments(c *rest.Call) (listing.Page[*cinder.Attachment], error) {
	q, err := query(c)
	if err != nil {
		return listing.Page[*cinder.Attachment]{}, err
	}
	return s.c.AttachmentsPage(c.Context(), q)
}

func (s *service) listAttachments(c *rest.Call, _ struct{}) (listing.Page[attachmentBrief], error) {
	p, err := s.findAttachments(c)
	return page(c, p, brief), err
}

func (s *service) detailAttachments(c *rest.Call, _ struct{}) (listing.Page[attachmentView], error) {
	p, err := s.findAttachments(c)
	return page(c, p, viewAttachment), err
}

func (s *service) createAttachment(c *rest.Call, in struct {
	Attachment struct {
		Volume    string         `json:"volume_uuid"`
		Server    string         `json:"instance_uuid"`
		Mode      string         `json:"mode"`
		Connector map[string]any `json:"connector"`
	}
}) (any, error) {
	b := in.Attachment
	a := &cinder.Attachment{VolumeID: b.Volume, ServerID: b.Server, Mode: b.Mode, BootIndex: -1}
	v, err := s.c.Store.Volume(c.Context(), b.Volume)
	if err != nil {
		return nil, err
	}
	if v.Bootable && v.Multiattach && len(b.Server) > 0 {
		if n, err := s.c.AttachmentsOf(c.Context(), v.ID); err != nil {
			return nil, err
		} else if len(n[v.ID]) > 0 {
			if err := c.Require("volume:multiattach_bootable_volume", policy.Target{"project_id": v.ProjectID}); err != nil {
				return nil, err
			}
		}
	}
	if err := s.c.Reserve(c.Context(), a); err != nil {
		return nil, err
	}
	if len(b.Connector) > 0 {
		if a, err = s.c.ConnectAttachment(c.Context(), a.ID, b.Connector); err != nil {
			return nil, err
		}
	}
	return map[string]any{"attachment": viewAttachment(a)}, nil
}

func (s *service) showAttachment(c *rest.Call, in byID) (any, error) {
	if _, err := s.attachment(c); err != nil {
		return nil, err
	}
	a, err := s.c.Store.Attachment(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"attachment": viewAttachment(a)}, nil
}

func (s *service) updateAttachment(c *rest.Call, in struct {
	ID         string `path:"id"`
	Attachment struct{ Connector map[string]any }
}) (any, error) {
	a, err := s.c.ConnectAttachment(c.Context(), in.ID, in.Attachment.Connector)
	if err != nil {
		return nil, err
	}
	return map[string]any{"attachment": viewAttachment(a)}, nil
}

func (s *service) deleteAttachment(c *rest.Call, in byID) (any, error) {
	a, err := s.c.Store.Attachment(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.c.MayRelease(c.Context(), a, c.Who); err != nil {
		return nil, err
	}
	if err := s.c.Release(c.Context(), in.ID); err != nil {
		return nil, err
	}
	left, err := s.c.AttachmentsOf(c.Context(), a.VolumeID)
	out := []attachmentBrief{}
	for _, o := range left[a.VolumeID] {
		out = append(out, brief(o))
	}
	return map[string]any{"attachments": out}, err
}

func (s *service) completeAttachment(c *rest.Call, in byID) error {
	_, err := s.c.ChangeAttachment(c.Context(), in.ID, func(a *cinder.Attachment) error { a.Status = cinder.Attached; return nil })
	return err
}
