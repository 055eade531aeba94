package rest

import (
	"encoding/json"
	"testing"
)

func TestSchemaFollowsVersion(t *testing.T) {
	s := NewShelf(files, "testdata/schema").Get("parts.create")
	for _, c := range []struct {
		v    Version
		body string
		ok   bool
	}{
		{V(2, 1), `{"personality":[]}`, true},
		{V(2, 1), `{"tags":[]}`, false},
		{V(2, 1), `{"networks":"auto"}`, false},
		{V(2, 37), `{"networks":"auto"}`, true},
		{V(2, 37), `{}`, false},
		{V(2, 36), `{}`, true},
		{V(2, 56), `{"networks":[],"personality":[],"tags":[]}`, true},
		{V(2, 57), `{"networks":[],"personality":[]}`, false},
		{V(2, 51), `{"networks":[],"tags":[]}`, false},
	} {
		if err := s.at(c.v).check(&API{}, json.RawMessage(c.body)); (err == nil) != c.ok {
			t.Errorf("%s %s: %v", c.v, c.body, err)
		}
	}
}
