package cinder

import (
	"context"
	"strconv"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"

	"github.com/google/uuid"
)

// QoS is a set of limits that types of volumes may have. The consumer says who keeps
// them: front-end (the hypervisor), back-end (the storage) or both.
type QoS struct {
	ID        string `bun:",pk"`
	Name      string
	Consumer  string
	Specs     map[string]string
	CreatedAt time.Time
	UpdatedAt time.Time `bun:",nullzero"`
}

// NoQoS is the fault of one that is not there.
func NoQoS(id string) error { return fault.New(fault.NotFound, "No such QoS spec %s.", id) }

// QoSPage is one page of them.
func (s *Storage) QoSPage(ctx context.Context, l listing.List) (listing.Page[*QoS], error) {
	rows, err := s.QoSList(ctx, l)
	return listing.Cut(rows, l.Limit), err
}

func consumer(q *QoS) error {
	if c, ok := q.Specs["consumer"]; ok {
		q.Consumer = c
		delete(q.Specs, "consumer")
	}
	if q.Consumer != "front-end" && q.Consumer != "back-end" && q.Consumer != "both" {
		return fault.New(fault.Invalid, "Invalid qos specs: Valid consumer of QoS specs are: ['front-end', 'back-end', 'both']")
	}
	return nil
}

// CreateQoS keeps a new one. Its name is taken once.
func (s *Storage) CreateQoS(ctx context.Context, q *QoS) error {
	q.ID, q.Consumer = uuid.NewString(), "back-end"
	if err := consumer(q); err != nil {
		return err
	}
	return s.Tx(ctx, func(ctx context.Context) error {
		same, err := s.QoSList(ctx, listing.List{Where: map[string][]string{"name": {q.Name}}})
		if err == nil && len(same) > 0 {
			err = fault.New(fault.Conflict, "QoS Specs %s already exists.", q.Name)
		}
		if err != nil {
			return err
		}
		q.CreatedAt = s.Now()
		return s.InsertQoS(ctx, q)
	})
}

// ChangeQoS changes one in place.
func (s *Storage) ChangeQoS(ctx context.Context, id string, f func(map[string]string) error) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		q, err := s.QoS(ctx, id)
		if err != nil {
			return err
		}
		q.Specs = clone(q.Specs)
		if err := f(q.Specs); err != nil {
			return err
		}
		if err := consumer(q); err != nil {
			return err
		}
		q.UpdatedAt = s.Now()
		return s.UpdateQoS(ctx, q)
	})
}

// RemoveQoS takes one away; force takes it from the types that have it, too.
func (s *Storage) RemoveQoS(ctx context.Context, id string, force bool) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		types, err := s.typesOf(ctx, id)
		if err != nil {
			return err
		}
		if len(types) > 0 && !force {
			return fault.New(fault.Invalid, "Qos specs still in use.")
		}
		if err := s.FreeQoS(ctx, id); err != nil {
			return err
		}
		return s.DeleteQoSRow(ctx, id)
	})
}

func (s *Storage) typesOf(ctx context.Context, id string) ([]*Type, error) {
	if _, err := s.QoS(ctx, id); err != nil {
		return nil, err
	}
	return s.TypesOfQoS(ctx, id)
}

// QoSTypes are the types that have one.
func (s *Storage) QoSTypes(ctx context.Context, id string) ([]*Type, error) {
	return s.typesOf(ctx, id)
}

// FreeQoS takes one from all types that have it.
func (s *Storage) FreeQoS(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		types, err := s.typesOf(ctx, id)
		for _, t := range types {
			t.QoSID = ""
			if err == nil {
				err = s.UpdateType(ctx, t)
			}
		}
		return err
	})
}

// BindQoS gives a type one, or takes it.
func (s *Storage) BindQoS(ctx context.Context, id, typeID string, on bool) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.QoS(ctx, id); err != nil {
			return err
		}
		_, err := s.ChangeType(ctx, typeID, func(t *Type) error {
			switch {
			case on && t.QoSID == id:
			case on && t.QoSID != "":
				return fault.New(fault.Invalid, "Invalid volume type: Type %s is already associated with another qos specs: %s", typeID, t.QoSID)
			case on:
				t.QoSID = id
			case t.QoSID == id:
				t.QoSID = ""
			}
			return nil
		})
		return err
	})
}

// PerGiB works out the limits that are said per GiB, for a volume of so many: no less
// than their _per_gb_min (cinder's admin guide, "Basic volume quality of service").
func PerGiB(specs map[string]string, size int64) map[string]string {
	out := map[string]string{}
	for name, text := range specs {
		base, each := strings.CutSuffix(name, "_per_gb")
		switch n, err := strconv.ParseInt(text, 10, 64); {
		case strings.HasSuffix(name, "_per_gb_min"):
		case each && err == nil:
			least, _ := strconv.ParseInt(specs[name+"_min"], 10, 64)
			out[base] = strconv.FormatInt(max(n*size, least), 10)
		case !each:
			out[name] = text
		}
	}
	return out
}
