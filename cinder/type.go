package cinder

import (
	"context"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// DefaultType is the name of the type that volumes have when none is asked for.
const DefaultType = "__DEFAULT__"

// A Type is a kind of volume that users choose by name.
type Type struct {
	ID          string `bun:",pk"`
	Name        string
	Description *string
	Public      bool
	ExtraSpecs  map[string]string
	CreatedAt   time.Time
	UpdatedAt   time.Time `bun:",nullzero"`
}

// A TypeAccess lets a project use a type that is not public.
type TypeAccess struct {
	TypeID    string `bun:",pk"`
	ProjectID string `bun:",pk"`
}

func noType(id string) *fault.Error {
	return fault.New(fault.NotFound, "Volume type %s could not be found.", id)
}

// EnsureDefaultType makes the default type, once.
func (s *Storage) EnsureDefaultType(ctx context.Context) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		_, err := s.Store.Type(ctx, DefaultType)
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		text := "Default Volume Type"
		return s.InsertType(ctx, &Type{ID: uuid.NewString(), Name: DefaultType, Description: &text, Public: true, ExtraSpecs: map[string]string{}, CreatedAt: s.Now()})
	})
}

// FindType is a type by id or name that the caller may use.
func (s *Storage) FindType(ctx context.Context, who *token.Who, idOrName string) (*Type, error) {
	t, err := s.Store.Type(ctx, idOrName)
	if err != nil || t.Public || who.Admin() {
		return t, err
	}
	projects, err := s.TypeAccess(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	for _, p := range projects {
		if p == who.Project.ID {
			return t, nil
		}
	}
	return nil, noType(idOrName)
}

// CreateType keeps a new type. Its name is taken once.
func (s *Storage) CreateType(ctx context.Context, t *Type) error {
	t.ID = uuid.NewString()
	return s.Tx(ctx, func(ctx context.Context) error {
		if err := s.typeNameFree(ctx, t); err != nil {
			return err
		}
		t.CreatedAt = s.Now()
		return s.InsertType(ctx, t)
	})
}

func (s *Storage) typeNameFree(ctx context.Context, t *Type) error {
	old, err := s.Store.Type(ctx, t.Name)
	if err == nil && old.ID != t.ID {
		return fault.New(fault.Conflict, "Volume Type %s already exists.", t.Name)
	}
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// ChangeType changes one in place.
func (s *Storage) ChangeType(ctx context.Context, id string, f func(*Type) error) (*Type, error) {
	var t *Type
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if t, err = s.Store.Type(ctx, id); err != nil {
			return err
		}
		if err := f(t); err != nil {
			return err
		}
		if err := s.typeNameFree(ctx, t); err != nil {
			return err
		}
		t.UpdatedAt = s.Now()
		return s.UpdateType(ctx, t)
	})
	return t, err
}

// RemoveType takes a type away that no volume has.
func (s *Storage) RemoveType(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		t, err := s.Store.Type(ctx, id)
		if err != nil {
			return err
		}
		if t.Name == DefaultType {
			return fault.New(fault.Forbidden, "Policy doesn't allow the default volume type to be deleted.")
		}
		used, err := s.TypeInUse(ctx, t.ID)
		if err == nil && used {
			err = fault.New(fault.Invalid, "Target volume type is still in use.")
		}
		if err != nil {
			return err
		}
		return s.DeleteType(ctx, t.ID)
	})
}

// TypesPage is one page of types.
func (s *Storage) TypesPage(ctx context.Context, q TypeQuery) (listing.Page[*Type], error) {
	rows, err := s.Types(ctx, q)
	return listing.Cut(rows, q.Limit), err
}

func (s *Storage) typeNames(ctx context.Context) (map[string]string, error) {
	all, err := s.Types(ctx, TypeQuery{})
	names := map[string]string{}
	for _, t := range all {
		names[t.ID] = t.Name
	}
	return names, err
}
