package api

import (
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (s *service) caches() []rest.Route {
	return []rest.Route{
		{On: "GET /v2/cache", Rule: "cache_list", Do: rest.Do(s.cacheState)},
		{On: "DELETE /v2/cache", Rule: "cache_delete", Do: rest.DoNothing(s.cacheClear), Status: 204, Mutates: true},
		{On: "PUT /v2/cache/{id}", Rule: "cache_image", Do: rest.DoNothing(s.cacheQueue), Status: 202, Mutates: true},
		{On: "DELETE /v2/cache/{id}", Rule: "cache_delete", Do: rest.DoNothing(s.cacheDelete), Status: 204, Mutates: true},
		{On: "POST /v2/cache/clean", Rule: "cache_clean", Do: rest.DoNothing(s.cacheClean), Mutates: true},
		{On: "POST /v2/cache/prune", Rule: "cache_prune", Do: rest.Do(s.cachePrune), Mutates: true},
	}
}

type cachedView struct {
	Image    string    `wire:"image_id"`
	Hits     int64     `wire:"hits"`
	Accessed time.Time `wire:"last_accessed"`
	Modified time.Time `wire:"last_modified"`
	Size     int64     `wire:"size"`
}

func (s *service) caching() error {
	if s.g.Caches() {
		return nil
	}
	return fault.New(fault.NotFound, "Caching via API is not supported at this site.")
}

func (s *service) cacheState(c *rest.Call, _ struct{}) (any, error) {
	if err := s.caching(); err != nil {
		return nil, err
	}
	cached, queued, err := s.g.Cache(c.Context())
	views, ids := []cachedView{}, []string{}
	for _, x := range cached {
		views = append(views, cachedView{x.ImageID, x.Hits, x.LastAccessed, x.LastModified, x.Size})
	}
	for _, x := range queued {
		ids = append(ids, x.ImageID)
	}
	return map[string]any{"cached_images": views, "queued_images": ids}, err
}

func (s *service) cacheClear(c *rest.Call, _ struct{}) error {
	if err := s.caching(); err != nil {
		return err
	}
	switch strings.ToLower(c.Header.Get("X-Image-Cache-Clear-Target")) {
	case "":
		return s.g.ClearCache(c.Context(), "cached", "queued")
	case "cache":
		return s.g.ClearCache(c.Context(), "cached")
	case "queue":
		return s.g.ClearCache(c.Context(), "queued")
	}
	return fault.New(fault.Invalid, "If provided 'x-image-cache-clear-target' must be 'cache', 'queue' or empty string.")
}

func (s *service) cacheQueue(c *rest.Call, in byID) error {
	if err := s.caching(); err != nil {
		return err
	}
	i, err := s.g.Get(c.Context(), in.ID)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "Image %s not found.", in.ID)
	}
	if err != nil {
		return err
	}
	return s.g.QueueCache(c.Context(), i)
}

func (s *service) cacheDelete(c *rest.Call, in byID) error {
	if err := s.caching(); err != nil {
		return err
	}
	err := s.g.Uncache(c.Context(), in.ID)
	if _, e := s.g.Get(c.Context(), in.ID); e == nil && fault.Is(err, fault.NotFound) {
		return nil // there is nothing of an image that is there
	}
	return err
}

func (s *service) cacheClean(c *rest.Call, _ struct{}) error {
	if err := s.caching(); err != nil {
		return err
	}
	return s.g.CleanCache(c.Context())
}

func (s *service) cachePrune(c *rest.Call, _ struct{}) (any, error) {
	if err := s.caching(); err != nil {
		return nil, err
	}
	files, size, err := s.g.PruneCache(c.Context())
	return map[string]int64{"total_files_pruned": int64(files), "total_bytes_pruned": size}, err
}

// permit asks the protections of a property.
func (s *service) permit(c *rest.Call, property, operation string) error {
	if s.may(c, property, operation) {
		return nil
	}
	return fault.New(fault.Forbidden, "Property '%s' is protected", property)
}

func (s *service) may(c *rest.Call, property, operation string) bool {
	return s.g.Guard().Allows(property, operation, func(name string) bool {
		if s.g.Settings().ProtectionRules == "policies" {
			return c.May(name, c.Own())
		}
		return c.Who.Has(name)
	})
}

// readable are the properties that the caller may see.
func (s *service) readable(c *rest.Call, all map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range all {
		if name == "os_glance_stage_host" || !strings.HasPrefix(name, "os_glance_") && !s.may(c, name, "read") {
			continue
		}
		out[name] = value
	}
	return out
}

// operation is what a change of a patch does to a property.
func operation(op string, there bool) string {
	switch {
	case op == "remove":
		return "delete"
	case there:
		return "update"
	}
	return "create"
}
