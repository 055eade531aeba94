package glance

import (
	"context"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// A Namespace holds definitions of metadata: which properties things may have, and
// what they mean.
type Namespace struct {
	ID          string `bun:",pk"`
	Name        string
	DisplayName *string
	Description *string
	Visibility  string // public, private
	Protected   bool
	Owner       string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// A Definition is one object, property or tag of a namespace.
type Definition struct {
	NamespaceID string `bun:",pk"`
	Kind        string `bun:",pk"` // object, property, tag
	Name        string `bun:",pk"`
	Body        map[string]any
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// An Association says what kind of resource a namespace's properties are for.
type Association struct {
	NamespaceID      string `bun:",pk"`
	Name             string `bun:",pk"` // of the resource type: OS::Nova::Flavor
	Prefix           *string
	PropertiesTarget *string
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// A ResourceType is a kind of resource that metadata may describe.
type ResourceType struct {
	Name      string `bun:",pk"`
	CreatedAt time.Time
	UpdatedAt time.Time
}

// NamespaceQuery is which namespaces to list.
type NamespaceQuery struct {
	listing.List
	ProjectID     string
	All           bool // an administrator sees every project's
	Visibility    string
	ResourceTypes []string // for any of these
}

// Definitions keeps the rows of metadata definitions.
type Definitions interface {
	NamespaceNamed(ctx context.Context, name string) (*Namespace, error) // nil when there is none
	Namespaces(ctx context.Context, q NamespaceQuery) ([]*Namespace, error)
	InsertNamespace(ctx context.Context, n *Namespace) error
	UpdateNamespace(ctx context.Context, n *Namespace) error
	DeleteNamespace(ctx context.Context, id string) error

	// Defined are a namespace's definitions of a kind, by name; name "" is all.
	Defined(ctx context.Context, namespace, kind, name string) ([]*Definition, error)
	InsertDefinition(ctx context.Context, d *Definition) error
	DeleteDefinitions(ctx context.Context, namespace, kind, name string) (int, error)

	Associations(ctx context.Context, namespaces []string) ([]*Association, error)
	SaveAssociation(ctx context.Context, a *Association) error
	DeleteAssociation(ctx context.Context, namespace, name string) (int, error)
	ResourceTypes(ctx context.Context) ([]*ResourceType, error)
	EnsureResourceType(ctx context.Context, t *ResourceType) error

	// Mark notes that something was done, and tells whether it had been noted before.
	Mark(ctx context.Context, what string) (bool, error)
}

// Namespace is a namespace that the caller in ctx may see.
func (g *Imaging) Namespace(ctx context.Context, name string) (*Namespace, error) {
	n, err := g.NamespaceNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	who := token.From(ctx)
	if n == nil || who != nil && !who.Admin() && n.Visibility != "public" && n.Owner != who.Project.ID {
		return nil, fault.New(fault.NotFound, "Metadata definition namespace=%s was not found.", name)
	}
	return n, nil
}

// A NewNamespace is a namespace with all that it is made with.
type NewNamespace struct {
	Namespace
	Associations []*Association
	Definitions  []*Definition
}

// CreateNamespace makes a namespace and what is in it, or nothing.
func (g *Imaging) CreateNamespace(ctx context.Context, n *NewNamespace) error {
	n.ID, n.CreatedAt, n.UpdatedAt = uuid.NewString(), g.Now(), g.Now()
	return g.Tx(ctx, func(ctx context.Context) error {
		if err := g.InsertNamespace(ctx, &n.Namespace); err != nil {
			return err
		}
		for _, a := range n.Associations {
			if err := g.associate(ctx, n.ID, a); err != nil {
				return err
			}
		}
		for _, d := range n.Definitions {
			if err := g.define(ctx, &n.Namespace, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// ChangeNamespace changes a namespace in one transaction.
func (g *Imaging) ChangeNamespace(ctx context.Context, name string, change func(*Namespace) error) (*Namespace, error) {
	var n *Namespace
	err := g.Tx(ctx, func(ctx context.Context) (err error) {
		if n, err = g.Namespace(ctx, name); err != nil {
			return err
		}
		if err := change(n); err != nil {
			return err
		}
		n.UpdatedAt = g.Now()
		return g.UpdateNamespace(ctx, n)
	})
	return n, err
}

// RemoveNamespace deletes a namespace and all that is in it.
func (g *Imaging) RemoveNamespace(ctx context.Context, name string) error {
	return g.within(ctx, name, func(ctx context.Context, n *Namespace) error {
		if n.Protected {
			return fault.New(fault.Forbidden, "Metadata definition namespace %s is protected and cannot be deleted.", name)
		}
		return g.DeleteNamespace(ctx, n.ID)
	})
}

// within runs f on a namespace in a transaction.
func (g *Imaging) within(ctx context.Context, name string, f func(context.Context, *Namespace) error) error {
	return g.Tx(ctx, func(ctx context.Context) error {
		n, err := g.Namespace(ctx, name)
		if err != nil {
			return err
		}
		return f(ctx, n)
	})
}

// Associate says that a namespace's properties are for a type of resource.
func (g *Imaging) Associate(ctx context.Context, namespace string, a *Association) error {
	return g.within(ctx, namespace, func(ctx context.Context, n *Namespace) error { return g.associate(ctx, n.ID, a) })
}

func (g *Imaging) associate(ctx context.Context, id string, a *Association) error {
	a.NamespaceID, a.CreatedAt, a.UpdatedAt = id, g.Now(), g.Now()
	if err := g.EnsureResourceType(ctx, &ResourceType{a.Name, g.Now(), g.Now()}); err != nil {
		return err
	}
	return g.SaveAssociation(ctx, a)
}

// Dissociate takes that back.
func (g *Imaging) Dissociate(ctx context.Context, namespace, name string) error {
	return g.within(ctx, namespace, func(ctx context.Context, n *Namespace) error {
		rows, err := g.DeleteAssociation(ctx, n.ID, name)
		if err == nil && rows == 0 {
			return fault.New(fault.NotFound, "The metadata definition resource-type association of resource-type=%s to namespace=%s was not found.", name, namespace)
		}
		return err
	})
}

// Define adds a definition to a namespace.
func (g *Imaging) Define(ctx context.Context, namespace string, d *Definition) error {
	return g.within(ctx, namespace, func(ctx context.Context, n *Namespace) error { return g.define(ctx, n, d) })
}

func (g *Imaging) define(ctx context.Context, n *Namespace, d *Definition) error {
	have, err := g.Defined(ctx, n.ID, d.Kind, d.Name)
	if err != nil {
		return err
	}
	if len(have) > 0 {
		return fault.New(fault.Conflict, "A metadata definition %s with name=%s already exists in namespace=%s.", d.Kind, d.Name, n.Name)
	}
	d.NamespaceID, d.UpdatedAt = n.ID, g.Now()
	if d.CreatedAt.IsZero() {
		d.CreatedAt = d.UpdatedAt
	}
	return g.InsertDefinition(ctx, d)
}

// Definition is one definition of a namespace.
func (g *Imaging) Definition(ctx context.Context, n *Namespace, kind, name string) (*Definition, error) {
	have, err := g.Defined(ctx, n.ID, kind, name)
	if err != nil {
		return nil, err
	}
	if len(have) == 0 {
		return nil, notDefined(n, kind, name)
	}
	return have[0], nil
}

func notDefined(n *Namespace, kind, name string) error {
	return fault.New(fault.NotFound, "The metadata definition %s with name=%s was not found in namespace=%s.", kind, name, n.Name)
}

// Redefine puts a definition in the place of one by this name; it may have another.
func (g *Imaging) Redefine(ctx context.Context, namespace, name string, d *Definition) error {
	return g.within(ctx, namespace, func(ctx context.Context, n *Namespace) error {
		old, err := g.Definition(ctx, n, d.Kind, name)
		if err != nil {
			return err
		}
		if _, err := g.DeleteDefinitions(ctx, n.ID, d.Kind, name); err != nil {
			return err
		}
		d.CreatedAt = old.CreatedAt
		return g.define(ctx, n, d)
	})
}

// DefineAll puts these definitions in the place of all of their kind, or beside them.
func (g *Imaging) DefineAll(ctx context.Context, namespace, kind string, beside bool, ds []*Definition) error {
	return g.within(ctx, namespace, func(ctx context.Context, n *Namespace) error {
		if !beside {
			if _, err := g.DeleteDefinitions(ctx, n.ID, kind, ""); err != nil {
				return err
			}
		}
		for _, d := range ds {
			if err := g.define(ctx, n, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// Undefine removes a definition, or with name "" all of a kind.
func (g *Imaging) Undefine(ctx context.Context, namespace, kind, name string) error {
	return g.within(ctx, namespace, func(ctx context.Context, n *Namespace) error {
		rows, err := g.DeleteDefinitions(ctx, n.ID, kind, name)
		if err == nil && rows == 0 && name != "" {
			return notDefined(n, kind, name)
		}
		return err
	})
}
