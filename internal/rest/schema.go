package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"stackd/internal/fault"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schemas are the schemas of one operation's body, by the microversion they begin with.
type Schemas []*schema

type schema struct {
	from    Version
	compile func() (*jsonschema.Schema, error)
}

func (s Schemas) at(v Version) *schema {
	for _, x := range slices.Backward(s) {
		if v >= x.from {
			return x
		}
	}
	return nil
}

// A Shelf holds a service's schemas: files of JSON objects, operation → schema.
// A name may be followed by the microversion it begins with: "create@2.19".
// Schemas refer to others by "#/name", or to another file's by "file.json#/name".
type Shelf struct {
	mu   sync.Mutex
	docs map[string]map[string]any
	all  *jsonschema.Compiler
}

// NewShelf reads all *.json of a folder. It panics on what is no JSON: the files
// are part of the program.
func NewShelf(files fs.FS, dir string) *Shelf {
	s := &Shelf{docs: map[string]map[string]any{}, all: jsonschema.NewCompiler()}
	s.all.DefaultDraft(jsonschema.Draft7)
	s.all.AssertFormat()
	names, err := fs.Glob(files, path.Join(dir, "*.json"))
	if err != nil {
		panic(err)
	}
	for _, n := range names {
		b, err := fs.ReadFile(files, n)
		if err != nil {
			panic(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			panic(fmt.Sprintf("%s: %v", n, err))
		}
		file := path.Base(n)
		s.docs[strings.TrimSuffix(file, ".json")] = doc.(map[string]any)
		if err := s.all.AddResource("mem:///"+file, doc); err != nil {
			panic(err)
		}
	}
	return s
}

// Get is the schemas of "file.operation". It panics when there is none.
func (s *Shelf) Get(name string) Schemas {
	file, op, _ := strings.Cut(name, ".")
	var out Schemas
	for key := range s.docs[file] {
		base, since, _ := strings.Cut(key, "@")
		if base != op {
			continue
		}
		v, _ := ParseVersion(since)
		out = append(out, &schema{v, sync.OnceValues(func() (*jsonschema.Schema, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.all.Compile("mem:///" + file + ".json#/" + key)
		})})
	}
	if out == nil {
		panic("no schema " + name)
	}
	slices.SortFunc(out, func(a, b *schema) int { return int(a.from - b.from) })
	return out
}

// A Violation is one way in which a body does not match its schema, worded as
// Python's jsonschema words it, which is what OpenStack's clients see.
type Violation struct {
	Path  []string // into the body; the last part is the field
	Value any      // found there
	Text  string   // 'flavorRef' is a required property
}

// Field is the field's own name, "" for the whole body.
func (v Violation) Field() string {
	if len(v.Path) == 0 {
		return ""
	}
	return v.Path[len(v.Path)-1]
}

func (s *schema) check(a *API, body json.RawMessage) error {
	compiled, err := s.compile()
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return a.malformed()
	}
	err = compiled.Validate(doc)
	if err == nil {
		return nil
	}
	v, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return err
	}
	bad := violation(v, doc)
	if a.Violated != nil {
		return a.Violated(bad)
	}
	return fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: %s. %s", bad.Field(), Repr(bad.Value), bad.Text)
}
