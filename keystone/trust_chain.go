package keystone

import (
	"cmp"
	"context"
	"slices"

	"stackd/internal/token"
)

// handOn places a trust below the one that its trustor is here by, and answers the
// whole line: the trust itself first, the one that all began with last.
func (i *Identity) handOn(ctx context.Context, t *Trust, w TrustWish) ([]*Trust, error) {
	line := []*Trust{t}
	if t.RedelegatedFrom == "" {
		return line, nil
	}
	above, err := i.pedigree(ctx, t.RedelegatedFrom)
	if err != nil {
		return nil, err
	}
	if len(above) == 0 {
		return nil, missing("trust", t.RedelegatedFrom)
	}
	left := above[0].Redelegations - 1
	if w.Redelegate && w.Depth != nil && *w.Depth != 0 && *w.Depth != left {
		return nil, forbidden(`Modifying "redelegation_count" upon redelegation is forbidden. Omitting this parameter is advised.`)
	}
	if w.Redelegate {
		t.Redelegations = left
	}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = above[0].ExpiresAt
	}
	if t.ProjectID != above[0].ProjectID {
		return nil, forbidden("The redelegated trust is for another project")
	}
	return append(line, above...), nil
}

// pedigree are a trust and those that it was handed on from, the first one last;
// none when one of them is gone.
func (i *Identity) pedigree(ctx context.Context, id string) ([]*Trust, error) {
	var line []*Trust
	for id != "" {
		t, err := one[Trust](ctx, i.store, Match{"id": id})
		if err != nil || t == nil || !t.DeletedAt.IsZero() || len(line) > maxLine {
			return nil, err
		}
		line, id = append(line, t), t.RedelegatedFrom
	}
	return line, nil
}

// maxLine ends a search that rows nobody should have written would make endless.
const maxLine = 64

// mayHandOn sees that a trust gives no more than one it was handed on from.
func mayHandOn(t, above *Trust, most int64) error {
	switch {
	case above.Redelegations < 1 || above.Redelegations > most:
		return forbidden("Remaining redelegation depth of %d out of allowed range of [0..%d]", above.Redelegations, most)
	case t.RemainingUses != nil:
		return forbidden(`Field "remaining_uses" is set to %d while it must not be set in order to redelegate a trust`, *t.RemainingUses)
	case !above.ExpiresAt.IsZero() && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(above.ExpiresAt)):
		return forbidden("Requested expiration time is more than redelegated trust can provide")
	case slices.ContainsFunc(t.RoleIDs, func(r string) bool { return !slices.Contains(above.RoleIDs, r) }):
		return forbidden("Some of requested roles are not in redelegated trust")
	case t.Impersonation && !above.Impersonation:
		return forbidden("Impersonation is not allowed because redelegated trust does not specify impersonation. Redelegated trust id: %s", above.ID)
	}
	return nil
}

// delegable: a trustor gives away only what it has.
func (i *Identity) delegable(ctx context.Context, trustor, project string, wanted []Ref) ([]string, error) {
	ids := []string{}
	if len(wanted) == 0 {
		return ids, nil
	}
	if _, err := i.Project(ctx, project); project != "" && err != nil {
		return nil, err
	}
	have, err := i.EffectiveRoles(ctx, trustor, Target{"project", project})
	if err != nil {
		return nil, err
	}
	for _, w := range wanted {
		n := slices.IndexFunc(have, func(h token.Ref) bool { return w.ID == h.ID || w.ID == "" && w.Name == h.Name })
		if n < 0 {
			return nil, missing("role", cmp.Or(w.ID, w.Name))
		}
		ids = append(ids, have[n].ID)
	}
	return unique(ids), nil
}
