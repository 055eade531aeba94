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
	QoSID       string `bun:"qos_id"`
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

// SeenType is a type by id that the caller may see.
func (s *Storage) SeenType(ctx context.Context, who *token.Who, id string) (*Type, error) {
	t, err := s.FindType(ctx, who, id)
	if err == nil && t.ID != id {
		err = noType(id)
	}
	return t, err
}

// DefaultOf is the type that a project's volumes have when none is asked for.
func (s *Storage) DefaultOf(ctx context.Context, project string) (*Type, error) {
	id, err := s.DefaultTypeOf(ctx, project)
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = DefaultType
	}
	return s.Store.Type(ctx, id)
}

// ChangeSpecs changes a type's extra specs in place.
func (s *Storage) ChangeSpecs(ctx context.Context, id string, f func(map[string]string) error) (*Type, error) {
	return s.ChangeType(ctx, id, func(t *Type) error {
		t.ExtraSpecs = clone(t.ExtraSpecs)
		return f(t.ExtraSpecs)
	})
}

// ShareType gives a project access to a type that is not public, or takes it.
func (s *Storage) ShareType(ctx context.Context, id, project string, on bool) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		t, err := s.Store.Type(ctx, id)
		if err != nil {
			return err
		}
		if t.Public {
			return fault.New(fault.Invalid, "Invalid volume type: Type access modification is not applicable to public volume type.")
		}
		if on {
			return s.AddTypeAccess(ctx, TypeAccess{t.ID, project})
		}
		return s.RemoveTypeAccess(ctx, TypeAccess{t.ID, project})
	})
}

// An Encryption is how volumes of a type are encrypted.
type Encryption struct {
	ID        string
	TypeID    string `bun:",pk"`
	Provider  string
	Cipher    *string
	KeySize   *int64
	Location  string // front-end, back-end
	CreatedAt time.Time
	UpdatedAt time.Time `bun:",nullzero"`
}

// EncryptionOf is a type's encryption, nil when it has none.
func (s *Storage) EncryptionOf(ctx context.Context, id string) (*Encryption, error) {
	t, err := s.Store.Type(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.Store.Encryption(ctx, t.ID)
}

// unused refuses to change the encryption of a type that volumes have.
func (s *Storage) unused(ctx context.Context, typeID, verb string) error {
	used, err := s.TypeInUse(ctx, typeID)
	if err == nil && used {
		err = fault.New(fault.Invalid, "Cannot %s encryption specs. Volume type in use.", verb)
	}
	return err
}

// EncryptType has volumes of a type encrypted.
func (s *Storage) EncryptType(ctx context.Context, e *Encryption) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		old, err := s.EncryptionOf(ctx, e.TypeID)
		if err == nil && old != nil {
			err = fault.New(fault.Conflict, "Volume type encryption for type %s already exists.", e.TypeID)
		}
		if err == nil {
			err = s.unused(ctx, e.TypeID, "create")
		}
		if err != nil {
			return err
		}
		e.ID, e.CreatedAt = uuid.NewString(), s.Now()
		return s.InsertEncryption(ctx, e)
	})
}

func (s *Storage) encryption(ctx context.Context, typeID string) (*Encryption, error) {
	e, err := s.EncryptionOf(ctx, typeID)
	if err == nil && e == nil {
		err = fault.New(fault.NotFound, "Volume type encryption for type %s does not exist.", typeID)
	}
	return e, err
}

// ChangeEncryption changes one in place.
func (s *Storage) ChangeEncryption(ctx context.Context, typeID string, f func(*Encryption) error) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		e, err := s.encryption(ctx, typeID)
		if err == nil {
			err = s.unused(ctx, typeID, "update")
		}
		if err == nil {
			err = f(e)
		}
		if err != nil {
			return err
		}
		e.UpdatedAt = s.Now()
		return s.UpdateEncryption(ctx, e)
	})
}

// DropEncryption has volumes of a type not encrypted any more.
func (s *Storage) DropEncryption(ctx context.Context, typeID string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		_, err := s.encryption(ctx, typeID)
		if err == nil {
			err = s.unused(ctx, typeID, "delete")
		}
		if err != nil {
			return err
		}
		return s.DeleteEncryption(ctx, typeID)
	})
}
