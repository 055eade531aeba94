package api

import (
	"encoding/json"

	"stackd/internal/fault"
	"stackd/internal/rest"
)

// assisted are what block storage of old asked for when it could not take a snapshot of a
// volume in use by itself. No backend here does, so that each is refused as one that is
// not for this volume; the answers to bad input are the real service's.
func (s *service) assisted() []rest.Route {
	const at, rule = "/v2.1/os-assisted-volume-snapshots", "os_compute_api:os-assisted-volume-snapshots:"
	return []rest.Route{
		{On: "POST " + at, Rule: rule + "create", Do: rest.DoNothing(s.createAssisted), Body: s.shelf.Get("volumes.assisted")},
		{On: "DELETE " + at + "/{id}", Rule: rule + "delete", Do: rest.DoNothing(s.deleteAssisted), Mutates: true},
	}
}

func (s *service) createAssisted(c *rest.Call, in struct {
	Snapshot struct {
		VolumeID string `json:"volume_id"`
	} `json:"snapshot"`
}) error {
	return s.notAssisted(c, in.Snapshot.VolumeID)
}

func (s *service) deleteAssisted(c *rest.Call, in struct {
	byID
	Info string `query:"delete_info"`
}) error {
	var info struct {
		VolumeID *string `json:"volume_id"`
	}
	if err := json.Unmarshal([]byte(in.Info), &info); err != nil || info.VolumeID == nil {
		return fault.New(fault.Invalid, "delete_info must be a JSON object with the member volume_id.")
	}
	return s.notAssisted(c, *info.VolumeID)
}

func (s *service) notAssisted(c *rest.Call, volume string) error {
	none := fault.New(fault.Invalid, "No volume Block Device Mapping with id %s.", volume)
	if s.c.Volumes == nil {
		return none
	}
	v, err := s.c.Volumes.Volume(c.Context(), volume)
	switch {
	case fault.Is(err, fault.NotFound) || err == nil && v.Holders == 0:
		return none
	case err != nil:
		return err
	case v.Holders > 1:
		return fault.New(fault.Invalid, "Block Device Mapping %s is a multi-attach volume and is not valid for this operation.", volume)
	}
	return fault.New(fault.Invalid, "Invalid volume: the backend of volume %s takes and removes its snapshots itself.", volume)
}
