package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"stackd/glance/api"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

var (
	param = regexp.MustCompile(`\{[a-z_]+\}`)
	names = []string{"name", "id", "owner", "visibility", "protected", "os_hidden", "min_disk", "min_ram", "disk_format", "container_format", "tags", "tag", "size", "size_min", "status", "checksum",
		"created_at", "member_status", "member", "method", "stores", "os_distro", "os_glance_x", "self", "sort", "sort_key", "sort_dir", "limit", "marker", "changes", "namespace", "title", "type", "required", "properties", "objects"}
	odd = []any{nil, true, false, 0, -1, 1e30, 3.5, "", "x", "é'\"\\%_?$(x)s", strings.Repeat("a", 300), "raw", "bare", "public", "in:a,\"b", "gt:2020-01-01T00:00:00Z", "asc", "name:desc,size",
		[]any{}, []any{"a", "a"}, []any{nil, 1}, map[string]any{}, map[string]any{"name": "glance-direct"}}
)

func pick(r *rand.Rand) any { return odd[r.IntN(len(odd))] }

// Whatever is asked, the answer is never an internal error.
func TestNoGarbageIsAnInternalError(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		for seed := range 60 {
			r := rand.New(rand.NewPCG(uint64(seed), 2))
			id := s.image("admin@p1", plain)
			s.ask("admin@p1", "POST /v2/metadefs/namespaces", `{"namespace":"`+id+`","objects":[{"name":"x"}],"tags":[{"name":"x"}],"properties":{"x":{"title":"x","type":"string"}}}`)
			for _, row := range api.Routes(nil) {
				s.garbage(r, row.On, id)
			}
		}
	})
}

func (s *site) garbage(r *rand.Rand, on, id string) {
	s.t.Helper()
	call := param.ReplaceAllStringFunc(on, func(string) string {
		if r.IntN(4) > 0 {
			return id
		}
		return url.PathEscape(fmt.Sprint(odd[8+r.IntN(3)]))
	})
	if r.IntN(2) == 0 {
		q := url.Values{}
		for range r.IntN(4) {
			q.Add(names[r.IntN(len(names))], fmt.Sprint(pick(r)))
		}
		call += "?" + q.Encode()
	}
	m := map[string]any{}
	for range r.IntN(5) {
		m[names[r.IntN(len(names))]] = pick(r)
	}
	var body any = m
	kind := "application/json"
	switch {
	case strings.HasPrefix(on, "PATCH"):
		kind = "application/openstack-images-v2." + fmt.Sprint(r.IntN(2)) + "-json-patch"
		ops := []any{}
		for range r.IntN(4) {
			op := []string{"add", "replace", "remove", "x"}[r.IntN(4)]
			path := "/" + names[r.IntN(len(names))]
			if r.IntN(4) == 0 {
				path = fmt.Sprint(pick(r))
			}
			ops = append(ops, map[string]any{"op": op, "path": path, "value": pick(r)}, map[string]any{op: path, "value": pick(r)})
		}
		body = ops[:r.IntN(len(ops)+1)]
	case strings.HasSuffix(on, "/file"), strings.HasSuffix(on, "/stage"):
		kind = "application/octet-stream"
	case r.IntN(10) == 0:
		body = pick(r)
	}
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	if w, _ := s.do("admin@p1", call, string(b), "Content-Type", kind, "Range", "bytes=1-x"); w.Code >= 500 {
		s.t.Errorf("%s %s: %d %s", call, b, w.Code, w.Body)
	}
}
