package glance

import (
	"context"
	_ "embed"
	"strings"

	"stackd/internal/config"
)

//go:embed usual.yaml
var usual []byte

// A usualThing is a property, or an object with properties, as usual.yaml has it.
type usualThing struct {
	Type             string                `yaml:"type"`
	Title            string                `yaml:"title"`
	Says             string                `yaml:"says"`
	Enum             []string              `yaml:"enum"`
	Default          any                   `yaml:"default"`
	Minimum, Maximum *int                  `yaml:",omitempty"`
	Properties       map[string]usualThing `yaml:"properties"`
}

type usualNamespace struct {
	Namespace, Name, Says string
	For                   []string // type, prefix ("-": none), target
	Properties            map[string]usualThing
	Objects               map[string]usualThing
}

// Usual loads the definitions that every cloud begins with, each once: one that an
// administrator has deleted does not come back.
func (g *Imaging) Usual(ctx context.Context) error {
	var all []usualNamespace
	if err := config.Parse("usual.yaml", usual, &all); err != nil {
		return err
	}
	return g.Tx(ctx, func(ctx context.Context) error {
		for _, u := range all {
			loaded, err := g.Mark(ctx, "metadef "+u.Namespace)
			if err != nil {
				return err
			}
			if loaded {
				continue
			}
			have, err := g.NamespaceNamed(ctx, u.Namespace)
			if err != nil {
				return err
			}
			if have != nil {
				continue
			}
			if err := g.CreateNamespace(ctx, u.made()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (u usualNamespace) made() *NewNamespace {
	n := &NewNamespace{Namespace: Namespace{Name: u.Namespace, DisplayName: &u.Name, Description: &u.Says, Visibility: "public", Protected: true, Owner: "admin"}}
	for _, text := range u.For {
		f := strings.Fields(text)
		a := &Association{Name: f[0]}
		if len(f) > 1 && f[1] != "-" {
			a.Prefix = &f[1]
		}
		if len(f) > 2 {
			a.PropertiesTarget = &f[2]
		}
		n.Associations = append(n.Associations, a)
	}
	for name, p := range u.Properties {
		n.Definitions = append(n.Definitions, &Definition{Kind: "property", Name: name, Body: p.body()})
	}
	for name, o := range u.Objects {
		within := map[string]any{}
		for k, p := range o.Properties {
			within[k] = p.body()
		}
		n.Definitions = append(n.Definitions, &Definition{Kind: "object", Name: name, Body: map[string]any{"description": o.Says, "required": []string{}, "properties": within}})
	}
	return n
}

func (p usualThing) body() map[string]any {
	b := map[string]any{"type": p.Type, "title": p.Title, "description": p.Says}
	if len(p.Enum) > 0 {
		b["enum"] = p.Enum
	}
	if p.Default != nil {
		b["default"] = p.Default
	}
	if p.Minimum != nil {
		b["minimum"] = *p.Minimum
	}
	if p.Maximum != nil {
		b["maximum"] = *p.Maximum
	}
	return b
}
