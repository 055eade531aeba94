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
// Within a schema, a member with "x-since": "2.52" or "x-until": "2.56" is there
// only in those microversions, and "x-required": {"networks": "2.37"} makes
// properties required from one on. Schemas refer to others of the file by "#/name".
type Shelf struct {
	mu   sync.Mutex
	docs map[string]map[string]any
	all  *jsonschema.Compiler
	have map[string]bool
}

// NewShelf reads all *.json of a folder. It panics on what is no JSON: the files
// are part of the program.
func NewShelf(files fs.FS, dir string) *Shelf {
	s := &Shelf{docs: map[string]map[string]any{}, all: jsonschema.NewCompiler(), have: map[string]bool{}}
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
		s.docs[strings.TrimSuffix(path.Base(n), ".json")] = doc.(map[string]any)
	}
	return s
}

// Get is the schemas of "file.operation". It panics when there is none.
func (s *Shelf) Get(name string) Schemas {
	file, op, _ := strings.Cut(name, ".")
	doc := s.docs[file]
	var starts []Version // of each "op@version"
	keys := map[Version]string{}
	for key := range doc {
		base, since, _ := strings.Cut(key, "@")
		if base == op {
			v, _ := ParseVersion(since)
			keys[v] = key
			starts = append(starts, v)
		}
	}
	if starts == nil {
		panic("no schema " + name)
	}
	slices.Sort(starts)
	var out Schemas
	for _, v := range breaks(doc, starts) {
		i, found := slices.BinarySearch(starts, v)
		if !found {
			i--
		}
		if i >= 0 {
			out = append(out, s.lazy(file, keys[starts[i]], v))
		}
	}
	return out
}

func (s *Shelf) lazy(file, key string, v Version) *schema {
	return &schema{v, sync.OnceValues(func() (*jsonschema.Schema, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		at := fmt.Sprintf("mem:///%s-%d.json", file, v)
		if !s.have[at] {
			s.have[at] = true
			if err := s.all.AddResource(at, prune(s.docs[file], v)); err != nil {
				return nil, err
			}
		}
		return s.all.Compile(at + "#/" + key)
	})}
}

// Compile compiles all of them: for tests, as requests compile what they need.
func (s Schemas) Compile() error {
	for _, x := range s {
		if _, err := x.compile(); err != nil {
			return err
		}
	}
	return nil
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
