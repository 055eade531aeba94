package api

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

type ctxt = context.Context

// A bag is the metadata of one kind of thing.
type bag struct {
	read   func(ctx ctxt, id string) (map[string]string, error)
	change func(ctx ctxt, id string, f func(map[string]string) error) (map[string]string, error)
}

// bagRows are the rows of a kind's metadata.
func (s *service) bagRows(kind, get, update, drop string, target func(*rest.Call) (policy.Target, error), create string, b bag) []rest.Route {
	at := "/v3/" + kind + "/{id}/metadata"
	many, one := s.shelf.Get("volume.metadata"), s.shelf.Get("volume.meta")
	return []rest.Route{
		{On: "GET " + at, Rule: get, Target: target, Do: rest.Do(b.all)},
		{On: "POST " + at, Rule: create, Target: target, Do: rest.Do(b.put(false)), Body: many},
		{On: "PUT " + at, Rule: update, Target: target, Do: rest.Do(b.put(true)), Body: many},
		{On: "GET " + at + "/{key}", Rule: get, Target: target, Do: rest.Do(b.one)},
		{On: "PUT " + at + "/{key}", Rule: update, Target: target, Do: rest.Do(b.putOne), Body: one},
		{On: "DELETE " + at + "/{key}", Rule: drop, Target: target, Do: rest.DoNothing(b.drop), Mutates: true},
	}
}

func (s *service) metadata() []rest.Route {
	v := bag{s.c.VolumeMetadata, s.c.ChangeVolumeMetadata}
	return append(s.bagRows("volumes", "volume:get_volume_metadata", "volume:update_volume_metadata", "volume:delete_volume_metadata", s.volume, "volume:create_volume_metadata", v),
		rest.Route{On: "GET /v3/volumes/{id}/encryption", Rule: "volume_extension:volume_encryption_metadata", Target: s.volume, Do: rest.Do(s.volumeEncryption)},
		rest.Route{On: "GET /v3/volumes/{id}/encryption/{key}", Rule: "volume_extension:volume_encryption_metadata", Target: s.volume, Do: rest.Do(s.volumeEncryptionKey)})
}

type keyOf struct {
	ID  string `path:"id"`
	Key string `path:"key"`
}

func noKey(key string) error {
	return fault.New(fault.NotFound, "Metadata item was not found")
}

func (b bag) all(c *rest.Call, in byID) (any, error) {
	m, err := b.read(c.Context(), in.ID)
	return map[string]any{"metadata": orEmpty(m)}, err
}

func (b bag) one(c *rest.Call, in keyOf) (any, error) {
	m, err := b.read(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	v, ok := m[in.Key]
	if !ok {
		return nil, noKey(in.Key)
	}
	return map[string]any{"meta": map[string]string{in.Key: v}}, nil
}

func (b bag) put(whole bool) func(*rest.Call, struct {
	ID       string `path:"id"`
	Metadata map[string]string
}) (any, error) {
	return func(c *rest.Call, in struct {
		ID       string `path:"id"`
		Metadata map[string]string
	}) (any, error) {
		m, err := b.change(c.Context(), in.ID, func(m map[string]string) error {
			if whole {
				clear(m)
			}
			for k, v := range in.Metadata {
				m[k] = v
			}
			return nil
		})
		return map[string]any{"metadata": m}, err
	}
}

func (b bag) putOne(c *rest.Call, in struct {
	keyOf
	Meta map[string]string
}) (any, error) {
	v, ok := in.Meta[in.Key]
	if !ok || len(in.Meta) != 1 {
		return nil, fault.New(fault.Invalid, "Request body and URI mismatch")
	}
	_, err := b.change(c.Context(), in.ID, func(m map[string]string) error { m[in.Key] = v; return nil })
	return map[string]any{"meta": in.Meta}, err
}

func (b bag) drop(c *rest.Call, in keyOf) error {
	_, err := b.change(c.Context(), in.ID, func(m map[string]string) error {
		if _, ok := m[in.Key]; !ok {
			return noKey(in.Key)
		}
		delete(m, in.Key)
		return nil
	})
	return err
}
