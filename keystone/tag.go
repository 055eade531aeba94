package keystone

import (
	"context"
	"slices"

	"stackd/internal/fault"
)

// maxTags is how many tags a project may have.
const maxTags = 80

func (i *Identity) fillTags(ctx context.Context, ps []*Project) error {
	ids, by := make([]string, len(ps)), map[string]*Project{}
	for n, p := range ps {
		ids[n], by[p.ID], p.Tags = p.ID, p, []string{}
	}
	tags, err := all[ProjectTag](ctx, i.store, Match{"project_id": ids}, "tag")
	for _, t := range tags {
		by[t.ProjectID].Tags = append(by[t.ProjectID].Tags, t.Tag)
	}
	return err
}

func (i *Identity) setTags(ctx context.Context, project string, tags []string) error {
	if len(tags) > maxTags {
		return fault.New(fault.Invalid, "Invalid input for field 'tags': a project has at most %d tags", maxTags)
	}
	if _, err := i.store.Delete(ctx, (*ProjectTag)(nil), Match{"project_id": project}); err != nil {
		return err
	}
	for _, t := range tags {
		if err := i.store.Insert(ctx, &ProjectTag{ProjectID: project, Tag: t}); err != nil {
			return err
		}
	}
	return nil
}

// SetTags replaces all tags of a project.
func (i *Identity) SetTags(ctx context.Context, project string, tags []string) error {
	return i.changeTags(ctx, project, func([]string) ([]string, error) { return tags, nil })
}

// AddTag adds one tag; one that is there stays.
func (i *Identity) AddTag(ctx context.Context, project, tag string) error {
	return i.changeTags(ctx, project, func(old []string) ([]string, error) {
		if slices.Contains(old, tag) {
			return old, nil
		}
		return append(old, tag), nil
	})
}

// RemoveTag takes one tag away; it must be there.
func (i *Identity) RemoveTag(ctx context.Context, project, tag string) error {
	return i.changeTags(ctx, project, func(old []string) ([]string, error) {
		n := slices.Index(old, tag)
		if n < 0 {
			return nil, missing("project tag", tag)
		}
		return slices.Delete(old, n, n+1), nil
	})
}

func (i *Identity) changeTags(ctx context.Context, project string, change func([]string) ([]string, error)) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		p, err := i.Project(ctx, project)
		if err != nil {
			return err
		}
		if immutable(p.Options) {
			return forbidden("Cannot update project tags for %s, project is immutable. Set \"immutable\" option to false before creating project tags.", project)
		}
		tags, err := change(p.Tags)
		if err != nil {
			return err
		}
		return i.setTags(ctx, project, tags)
	})
}
