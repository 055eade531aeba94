package cinder

import (
	"cmp"
	"context"
	"maps"
	"net"
	"slices"
	"strconv"

	"stackd/internal/fault"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// Compute of old held volumes by these verbs, without an attachment's id: the volume's
// status alone says that somebody is about to take it, or to let it go.

// ReserveVolume keeps others from taking a volume.
func (s *Storage) ReserveVolume(ctx context.Context, id string) error {
	_, err := s.ChangeVolume(ctx, id, func(ctx context.Context, v *Volume) error {
		if v.Status != Available && !(v.Multiattach && v.Status == InUse) {
			return badVolume("Volume status must be available to reserve, but the status is %s.", v.Status)
		}
		v.Status = Attaching
		return s.still(ctx, v)
	})
	return err
}

// UnreserveVolume lets others take it again.
func (s *Storage) UnreserveVolume(ctx context.Context, id string) error {
	_, err := s.ChangeVolume(ctx, id, func(_ context.Context, v *Volume) error {
		if v.Status == Attaching {
			v.Status = statusOf(v.Attachments)
		}
		return nil
	})
	return err
}

// BeginDetaching says that a server is about to let a volume go.
func (s *Storage) BeginDetaching(ctx context.Context, id string) error {
	return s.SetFlags(ctx, id, func(v *Volume) error {
		if v.Status != InUse || !slices.ContainsFunc(v.Attachments, func(a *Attachment) bool { return a.Status == Attached }) {
			return badVolume("Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.")
		}
		v.Status = Detaching
		return nil
	})
}

// RollDetaching says that it did not.
func (s *Storage) RollDetaching(ctx context.Context, id string) error {
	return s.SetFlags(ctx, id, func(v *Volume) error {
		if v.Status == Detaching {
			v.Status = InUse
		}
		return nil
	})
}

// AttachVolume says that a server or a host has a volume.
func (s *Storage) AttachVolume(ctx context.Context, a *Attachment) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		v, err := s.Volume(ctx, a.VolumeID)
		if err != nil {
			return err
		}
		switch {
		case v.Status == Maintenance:
			return badVolume("The volume cannot be attached in maintenance mode.")
		case v.ReadOnly && a.Mode != "ro":
			return fault.New(fault.Invalid, "Invalid attaching mode '%s' for volume %s.", a.Mode, v.ID)
		case v.Status == Available, v.Status == Attaching, v.Multiattach && v.Status == InUse:
		case v.Status == InUse:
			return badVolume("volume is already attached")
		default:
			return badVolume("status must be available or attaching")
		}
		if err := s.still(ctx, v); err != nil {
			return err
		}
		a.ID, a.ProjectID, a.Status, a.CreatedAt, a.AttachedAt = uuid.NewString(), v.ProjectID, Attached, s.Now(), s.Now()
		v.MarkReadOnly(v.ReadOnly)
		v.Admin["attached_mode"] = a.Mode
		if err := cmp.Or(s.InsertAttachment(ctx, a), s.UpdateVolume(ctx, v, "admin")); err != nil {
			return err
		}
		return s.restate(ctx, v.ID)
	})
}

// MarkReadOnly says whether a volume may be written to.
func (v *Volume) MarkReadOnly(on bool) {
	v.ReadOnly, v.Admin = on, clone(v.Admin)
	v.Admin["readonly"] = map[bool]string{true: "True", false: "False"}[on]
}

// DetachVolume ends an attachment, or the only one when none is named.
func (s *Storage) DetachVolume(ctx context.Context, id, attachment string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		v, err := s.Volume(ctx, id)
		if err != nil {
			return err
		}
		if v.Status == Maintenance {
			return badVolume("The volume cannot be detached in maintenance mode.")
		}
		at := slices.IndexFunc(v.Attachments, func(a *Attachment) bool { return a.ID == attachment })
		switch {
		case attachment != "" && at < 0:
			return fault.New(fault.Invalid, "Volume attachment could not be found with filter: attachment_id = %s.", attachment)
		case attachment == "" && len(v.Attachments) > 1:
			return badVolume("Volume %s is attached to more than one instance and an attachment_id must be provided.", id)
		case attachment == "" && len(v.Attachments) == 0:
			return s.restate(ctx, id)
		}
		if err := s.EndAttachment(ctx, v.Attachments[max(at, 0)]); err != nil {
			return err
		}
		return s.restate(ctx, id)
	})
}

// Connection is how a connector's host reaches a volume, as clients are told. The holder
// is the attachment's id, "" for who has none.
func (s *Storage) Connection(ctx context.Context, v *Volume, holder string, connector map[string]any) (map[string]any, error) {
	if v.Status == Maintenance {
		return nil, badVolume("The volume connection cannot be initialized in maintenance mode.")
	}
	host, _ := connector["host"].(string)
	if len(connector) == 0 || host == "" {
		return nil, badInput("Connector doesn't have required information: host")
	}
	if err := s.remember(ctx, v, holder, host); err != nil {
		return nil, err
	}
	return s.connection(ctx, v, cmp.Or(holder, ByHost(v.ID, host)))
}

// connection lets a holder at a volume on its backend, and says how.
func (s *Storage) connection(ctx context.Context, v *Volume, holder string) (map[string]any, error) {
	b := s.backends[v.Backend]
	if b == nil {
		return nil, fault.New(fault.Unavailable, "The backend of volume %s is not there.", v.ID)
	}
	kind, source, err := b.Connect(ctx, v.ID, holder)
	if err != nil {
		return nil, err
	}
	limits, err := s.limitsOf(ctx, v)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"access_mode": "rw", "encrypted": v.KeyID != "", "qos_specs": nil, "volume_id": v.ID}
	if limits != nil {
		data["qos_specs"] = limits
	}
	if v.ReadOnly {
		data["access_mode"] = "ro"
	}
	for k, x := range source {
		data[k] = x
	}
	maps.Copy(data, initiatorWords(kind, source))
	return map[string]any{"driver_volume_type": kind, "data": data}, nil
}

// remember keeps a row of a host that a backend's server is to let in without an attachment.
func (s *Storage) remember(ctx context.Context, v *Volume, holder, host string) error {
	if _, ok := s.backends[v.Backend].(Exporting); !ok || holder != "" {
		return nil
	}
	return s.Tx(ctx, func(ctx context.Context) error {
		return s.InsertConnection(ctx, &Connection{Holder: ByHost(v.ID, host), VolumeID: v.ID, Backend: v.Backend})
	})
}

// initiatorWords are a target's as initiators know them (os-brick's), beside the node's.
func initiatorWords(kind string, source map[string]string) map[string]any {
	if kind != "iscsi" {
		return nil
	}
	lun, _ := strconv.Atoi(source["lun"])
	return map[string]any{"target_discovered": false, "target_portal": net.JoinHostPort(source["host"], source["port"]), "target_iqn": source["target"], "target_lun": lun,
		"auth_method": "CHAP", "auth_username": source["username"]}
}

// Told is a connection, nested or flat, as its holder is told it once: with the
// password of a target of its own. What Ceph's images are opened by opens all of them,
// and is told to nodes alone.
func (s *Storage) Told(ctx context.Context, v *Volume, holder string, info map[string]any) (map[string]any, error) {
	k, ok := s.backends[v.Backend].(Keyed)
	if !ok || info["driver_volume_type"] != "iscsi" {
		return info, nil
	}
	secret, err := k.Secret(ctx, v.ID, holder)
	info = maps.Clone(info)
	if data, nested := info["data"].(map[string]any); nested {
		data = maps.Clone(data)
		data["auth_password"], info["data"] = secret, data
	} else {
		info["auth_password"] = secret
	}
	return info, err
}

// flat is a connection as attachments show it: its data beside the rest.
func flat(info map[string]any) map[string]any {
	out := maps.Clone(info)
	data, _ := info["data"].(map[string]any)
	delete(out, "data")
	maps.Copy(out, data)
	return out
}

// limitsOf are the QoS specs that whoever runs the guest is to keep: those of the
// volume's type whose consumer is the front end; nil when there are none.
func (s *Storage) limitsOf(ctx context.Context, v *Volume) (map[string]string, error) {
	t, err := s.Store.Type(ctx, v.TypeID)
	if err != nil || t.QoSID == "" {
		return nil, err
	}
	q, err := s.QoS(ctx, t.QoSID)
	if err != nil || q.Consumer == "back-end" {
		return nil, err
	}
	return PerGiB(q.Specs, v.Size), nil
}

// ConnectAttachment tells a reserved attachment's connector how to reach the volume.
func (s *Storage) ConnectAttachment(ctx context.Context, id string, connector map[string]any) (*Attachment, error) {
	a, err := s.Store.Attachment(ctx, id)
	if err != nil {
		return nil, err
	}
	v, err := s.Store.Volume(ctx, a.VolumeID)
	if err != nil {
		return nil, err
	}
	mode, _ := connector["mode"].(string)
	if mode == "" {
		mode = a.Mode
	}
	if v.ReadOnly && mode == "rw" {
		return nil, fault.New(fault.Invalid, "Invalid attaching mode '%s' for volume %s.", mode, v.ID)
	}
	if mode == "" {
		mode = map[bool]string{true: "ro", false: "rw"}[v.ReadOnly]
	}
	info, err := s.Connection(ctx, v, id, connector)
	if err != nil {
		return nil, err
	}
	info["attachment_id"] = id
	info = flat(info)
	info["access_mode"] = mode
	a, err = s.ChangeAttachment(ctx, id, func(a *Attachment) error {
		a.Connector, a.Connection, a.Mode = connector, info, mode
		a.Host, _ = connector["host"].(string)
		if p, ok := connector["mountpoint"].(string); ok {
			a.Mountpoint = p
		}
		if a.Status == Reserved {
			a.Status = Attaching
		}
		return nil
	})
	if err == nil {
		a.Connection, err = s.Told(ctx, v, id, a.Connection)
	}
	return a, err
}

// MayRelease refuses to let a user pull a volume from under a running server: compute
// alone ends what a server uses (OSSA-2023-003). A server that is not there uses nothing.
func (s *Storage) MayRelease(ctx context.Context, a *Attachment, who *token.Who) error {
	if a.ServerID == "" || a.Status == Reserved || who.Has("service") {
		return nil
	}
	if s.guests != nil {
		if there, err := s.guests.Exists(ctx, a.ServerID); err != nil || !there {
			return err
		}
	}
	return fault.New(fault.Conflict, "Detach volume from instance %s using the Compute API", a.ServerID)
}

// MayPull is MayRelease for the actions of old, which name a volume: none of the hosts of
// its servers may be using it. What was only said to be attached may be said not to be.
func (s *Storage) MayPull(ctx context.Context, volume string, who *token.Who) error {
	as, err := s.AttachmentsOf(ctx, volume)
	if err != nil {
		return err
	}
	for _, a := range as[volume] {
		if a.Connection == nil {
			continue
		}
		if err := s.MayRelease(ctx, a, who); err != nil {
			return err
		}
	}
	return nil
}
