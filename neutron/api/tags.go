package api

import (
	"net/http"
	"slices"

	"stackd/internal/fault"
	"stackd/internal/rest"
)

type tagItem struct {
	ID, Tag string
}

type tagList struct {
	Tags []string `wire:"tags"`
}

// tagRoutes are the operations on a thing's tags.
func (r *resource[T, S]) tagRoutes(at string, asks func(string) string) []rest.Route {
	at += "/{id}/tags"
	return []rest.Route{
		{On: "GET " + at, Asks: asks("get"), Do: rest.Do(r.showTags)},
		{On: "GET " + at + "/{tag}", Asks: asks("get"), Status: http.StatusNoContent, Do: ofTag(r.hasTag)},
		{On: "PUT " + at, Asks: asks("update"), Mutates: true, Do: rest.Do(r.setTags)},
		{On: "POST " + at, Asks: asks("update"), Mutates: true, Status: http.StatusCreated, Do: rest.Do(r.addTags)},
		{On: "DELETE " + at, Asks: asks("delete"), Mutates: true, Status: http.StatusNoContent, Do: rest.DoNothing(r.clearTags)},
		{On: "PUT " + at + "/{tag}", Asks: asks("update"), Mutates: true, Status: http.StatusCreated, Do: ofTag(r.addTag)},
		{On: "DELETE " + at + "/{tag}", Asks: asks("delete"), Mutates: true, Status: http.StatusNoContent, Do: ofTag(r.deleteTag)},
	}
}

// ofTag reads the path alone: some clients send a body that says nothing.
func ofTag(f func(*rest.Call, tagItem) error) func(*rest.Call) (any, error) {
	return func(c *rest.Call) (any, error) { return nil, f(c, tagItem{c.PathValue("id"), c.PathValue("tag")}) }
}

func (r *resource[T, S]) showTags(c *rest.Call, in item) (tagList, error) {
	x, _, err := r.find(c, in.ID)
	if err != nil {
		return tagList{}, err
	}
	return tagList{r.tagsOf(x)}, nil
}

func (r *resource[T, S]) hasTag(c *rest.Call, in tagItem) error {
	x, _, err := r.find(c, in.ID)
	if err == nil && !slices.Contains(r.tagsOf(x), in.Tag) {
		err = noTag(in.Tag)
	}
	return err
}

func noTag(tag string) error {
	return fault.New(fault.NotFound, "Tag %s could not be found.", tag).Named("TagNotFound")
}

// editTags changes the tags of a thing that the caller may change.
func (r *resource[T, S]) editTags(c *rest.Call, id, verb string, edit func([]string) ([]string, error)) (tagList, error) {
	x, t, err := r.find(c, id)
	if err != nil {
		return tagList{}, err
	}
	if err := r.require(c, verb+"_"+r.one+":tags", nil, t); err != nil {
		return tagList{}, err
	}
	tags, err := edit(slices.Clone(r.tagsOf(x)))
	if err != nil {
		return tagList{}, err
	}
	_, err = r.update(c.Context(), id, r.tags(tags))
	return tagList{tags}, err
}

func (r *resource[T, S]) setTags(c *rest.Call, in item) (tagList, error) {
	want, err := tagsOf(c)
	if err != nil {
		return tagList{}, err
	}
	return r.editTags(c, in.ID, "update", func([]string) ([]string, error) { return want, nil })
}

func (r *resource[T, S]) addTags(c *rest.Call, in item) (tagList, error) {
	want, err := tagsOf(c)
	if err != nil {
		return tagList{}, err
	}
	return r.editTags(c, in.ID, "create", func(have []string) ([]string, error) { return union(have, want), nil })
}

// tagsOf reads {"tags": [...]}.
func tagsOf(c *rest.Call) ([]string, error) {
	m, err := values(c.Body())
	if err != nil {
		return nil, badRequest("Invalid tags body.")
	}
	l, reason := unique(tag)(m["tags"])
	if reason != "" || len(m) != 1 {
		return nil, badRequest("Invalid input for tags. Reason: %s.", reason)
	}
	return l, nil
}

func tag(v any) (string, string) { return text(255)(v) }

func union(a, b []string) []string {
	for _, t := range b {
		if !slices.Contains(a, t) {
			a = append(a, t)
		}
	}
	return a
}

func (r *resource[T, S]) clearTags(c *rest.Call, in item) error {
	_, err := r.editTags(c, in.ID, "delete", func([]string) ([]string, error) { return []string{}, nil })
	return err
}

func (r *resource[T, S]) addTag(c *rest.Call, in tagItem) error {
	if _, reason := tag(in.Tag); reason != "" {
		return badRequest("Invalid input for tag. Reason: %s.", reason)
	}
	_, err := r.editTags(c, in.ID, "update", func(have []string) ([]string, error) { return union(have, []string{in.Tag}), nil })
	return err
}

func (r *resource[T, S]) deleteTag(c *rest.Call, in tagItem) error {
	_, err := r.editTags(c, in.ID, "delete", func(have []string) ([]string, error) {
		if !slices.Contains(have, in.Tag) {
			return nil, noTag(in.Tag)
		}
		return slices.DeleteFunc(have, func(t string) bool { return t == in.Tag }), nil
	})
	return err
}
