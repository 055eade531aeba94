package cinder

import (
	"context"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"

	"github.com/google/uuid"
)

// A GroupType is a kind of group of volumes.
type GroupType struct {
	ID          string `bun:",pk"`
	Name        string
	Description *string
	Public      bool
	Specs       map[string]string
	CreatedAt   time.Time
	UpdatedAt   time.Time `bun:",nullzero"`
}

// DefaultGroupType is the type that groups of old, the consistency groups, had.
const DefaultGroupType = "default_cgsnapshot_type"

// CreateGroupType keeps a new one.
func (s *Storage) CreateGroupType(ctx context.Context, t *GroupType) error {
	t.ID = uuid.NewString()
	return s.Tx(ctx, func(ctx context.Context) error {
		if err := s.groupTypeFree(ctx, t); err != nil {
			return err
		}
		t.CreatedAt = s.Now()
		return s.InsertGroupType(ctx, t)
	})
}

func (s *Storage) groupTypeFree(ctx context.Context, t *GroupType) error {
	old, err := s.GroupType(ctx, t.Name)
	if err == nil && old.ID != t.ID {
		return fault.New(fault.Conflict, "Group Type %s already exists.", t.Name)
	}
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// ChangeGroupType changes one in place.
func (s *Storage) ChangeGroupType(ctx context.Context, id string, f func(*GroupType) error) (*GroupType, error) {
	var t *GroupType
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if t, err = s.GroupType(ctx, id); err != nil {
			return err
		}
		t.Specs = clone(t.Specs)
		if err := f(t); err != nil {
			return err
		}
		if err := s.groupTypeFree(ctx, t); err != nil {
			return err
		}
		t.UpdatedAt = s.Now()
		return s.UpdateGroupType(ctx, t)
	})
	return t, err
}

// RemoveGroupType takes one away that no group has.
func (s *Storage) RemoveGroupType(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		t, err := s.GroupType(ctx, id)
		if err != nil {
			return err
		}
		used, err := s.GroupTypeInUse(ctx, t.ID)
		if err == nil && used {
			err = fault.New(fault.Invalid, "Target group type is still in use. Group Type %s deletion is not allowed with groups present with the type.", t.ID)
		}
		if err != nil {
			return err
		}
		return s.DeleteGroupTypeRow(ctx, t.ID)
	})
}

// GroupTypesPage is one page of them.
func (s *Storage) GroupTypesPage(ctx context.Context, q TypeQuery) (listing.Page[*GroupType], error) {
	rows, err := s.GroupTypes(ctx, q)
	return listing.Cut(rows, q.Limit), err
}
