package api

import (
	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/nova"
)

func (s *service) volumes() []rest.Route {
	const at, rule = "/v2.1/servers/{id}/os-volume_attachments", "os_compute_api:os-volumes-attachments:"
	return []rest.Route{
		{On: "GET " + at, Rule: rule + "index", Do: rest.Do(s.listVolumes), List: &rest.Listing{Key: "volumeAttachments"}},
		{On: "POST " + at, Rule: rule + "create", Do: rest.Do(s.attachVolume), Body: s.shelf.Get("volumes.attach")},
		{On: "GET " + at + "/{volume}", Rule: rule + "show", Do: rest.Do(s.showVolume)},
		{On: "PUT " + at + "/{volume}", Rule: rule + "update", Do: rest.DoNothing(s.updateVolume), Body: s.shelf.Get("volumes.update"), Status: 202},
		{On: "DELETE " + at + "/{volume}", Rule: rule + "delete", Do: rest.DoNothing(s.detachVolume), Status: 202, Mutates: true},
	}
}

// An attachment as it is shown; ID is the volume's, as it has always been.
type attachmentView struct {
	ID           string  `wire:"id,..2.88"`
	Device       string  `wire:"device"`
	ServerID     string  `wire:"serverId"`
	VolumeID     string  `wire:"volumeId"`
	Tag          *string `wire:"tag,2.70.."`
	Delete       bool    `wire:"delete_on_termination,2.79.."`
	AttachmentID string  `wire:"attachment_id,2.89.."`
	BDM          string  `wire:"bdm_uuid,2.89.."`
}

// attachedView is the answer to attaching, which kept the id.
type attachedView struct {
	ID       string  `wire:"id"`
	Device   string  `wire:"device"`
	ServerID string  `wire:"serverId"`
	VolumeID string  `wire:"volumeId"`
	Tag      *string `wire:"tag,2.70.."`
	Delete   bool    `wire:"delete_on_termination,2.79.."`
}

func viewHold(h nova.Hold) attachmentView {
	return attachmentView{ID: h.VolumeID, Device: h.Device, ServerID: h.ServerID, VolumeID: h.VolumeID, Tag: orNull(h.Tag), Delete: h.DeleteOnTermination, AttachmentID: h.ID, BDM: h.ID}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *service) listVolumes(c *rest.Call, in byID) (map[string][]attachmentView, error) {
	if _, err := s.c.Visible(c.Context(), in.ID); err != nil {
		return nil, err
	}
	all, err := s.c.HoldsOf(c.Context(), in.ID)
	out := []attachmentView{}
	from := number(c.URL.Query().Get("offset"))
	for n, h := range all[in.ID] {
		if n >= from && (c.List.Limit == 0 || len(out) < c.List.Limit) {
			out = append(out, viewHold(h))
		}
	}
	return map[string][]attachmentView{"volumeAttachments": out}, err
}

type volumePath struct {
	byID
	Volume string `path:"volume"`
}

func (s *service) showVolume(c *rest.Call, in volumePath) (map[string]attachmentView, error) {
	if _, err := s.c.Visible(c.Context(), in.ID); err != nil {
		return nil, err
	}
	h, err := s.c.Hold(c.Context(), in.ID, in.Volume)
	if err != nil {
		return nil, err
	}
	return map[string]attachmentView{"volumeAttachment": viewHold(h)}, nil
}

func (s *service) attachVolume(c *rest.Call, in struct {
	byID
	A struct {
		VolumeID string `json:"volumeId"`
		Device   string `json:"device"`
		Tag      string `json:"tag"`
		Delete   any    `json:"delete_on_termination"`
	} `json:"volumeAttachment"`
}) (map[string]attachedView, error) {
	s.ctx(c)
	a := nova.AttachSpec{VolumeID: in.A.VolumeID, Device: devicePath(in.A.Device), Tag: in.A.Tag, Multi: c.From(2, 60), Away: c.From(2, 20)}
	a.DeleteOnTermination, _ = rest.Bool(text(in.A.Delete))
	h, err := s.c.AttachVolume(c.Context(), in.ID, a)
	if err != nil {
		return nil, err
	}
	return map[string]attachedView{"volumeAttachment": {h.VolumeID, h.Device, h.ServerID, h.VolumeID, orNull(h.Tag), h.DeleteOnTermination}}, nil
}

type updateVolumeIn struct {
	volumePath
	A struct {
		VolumeID string  `json:"volumeId"`
		ServerID *string `json:"serverId"`
		ID       *string `json:"id"`
		Device   *string `json:"device"`
		Tag      *string `json:"tag"`
		Delete   any     `json:"delete_on_termination"`
	} `json:"volumeAttachment"`
}

// updateVolume has another volume take the place of one, which is all it did before 2.85;
// since then it changes whether a volume goes with its server as well.
func (s *service) updateVolume(c *rest.Call, in updateVolumeIn) error {
	s.ctx(c)
	swap := !c.From(2, 85) || in.A.VolumeID != in.Volume
	if swap {
		if err := c.Require("os_compute_api:os-volumes-attachments:swap", policy.Target{}); err != nil {
			return err
		}
	}
	if _, err := s.c.Visible(c.Context(), in.ID); err != nil {
		return err
	}
	if c.From(2, 85) {
		if err := s.keepVolume(c, in); err != nil {
			return err
		}
	}
	if !swap {
		return nil
	}
	return s.c.SwapVolume(c.Context(), in.ID, in.Volume, in.A.VolumeID)
}

func (s *service) keepVolume(c *rest.Call, in updateVolumeIn) error {
	h, err := s.c.Hold(c.Context(), in.ID, in.Volume)
	if err != nil {
		return err
	}
	for name, v := range map[string][2]*string{"serverId": {in.A.ServerID, &in.ID}, "id": {in.A.ID, &in.Volume}, "device": {in.A.Device, &h.Device}, "tag": {in.A.Tag, &h.Tag}} {
		if v[0] != nil && *v[0] != *v[1] {
			return fault.New(fault.Invalid, "The %s property is not mutable", name)
		}
	}
	if in.A.Delete == nil {
		return nil
	}
	del, _ := rest.Bool(text(in.A.Delete))
	return s.c.KeepVolume(c.Context(), in.ID, in.Volume, del)
}

func (s *service) detachVolume(c *rest.Call, in volumePath) error {
	s.ctx(c)
	if _, err := s.c.Visible(c.Context(), in.ID); err != nil {
		return err
	}
	return s.c.DetachVolume(c.Context(), in.ID, in.Volume, c.From(2, 20))
}
