package api

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/placement"
)

func (s *service) candidates() []rest.Route {
	return []rest.Route{{On: "GET /allocation_candidates", Since: rest.V(1, 10), Rule: "placement:allocation_candidates:list", Do: rest.Do(s.listCandidates)}}
}

var suffixed = regexp.MustCompile(`^(resources|required|member_of|in_tree)([a-zA-Z0-9_-]{1,64})?$`)

func badQuery(format string, args ...any) error {
	return fault.New(fault.Invalid, "Invalid query string parameters: "+format, args...).Named("placement.query.bad_value")
}

// readGroup reads resources, required, member_of and in_tree with a suffix.
func readGroup(c *rest.Call, q url.Values, suffix string) (placement.Group, error) {
	g := placement.Group{Suffix: suffix, Resources: map[string]int64{}, InTree: q.Get("in_tree" + suffix)}
	if text := q.Get("resources" + suffix); text != "" {
		for part := range strings.SplitSeq(text, ",") {
			class, amount, ok := strings.Cut(part, ":")
			n, err := strconv.ParseInt(amount, 10, 64)
			if !ok || err != nil || n < 1 {
				return g, badQuery("Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got: %s.", text)
			}
			g.Resources[class] += n
		}
	}
	if err := readTraits(c, q["required"+suffix], &g); err != nil {
		return g, err
	}
	return g, readAggregates(c, q["member_of"+suffix], &g)
}

// readTraits reads A,!B and, since 1.39, in:A,B.
func readTraits(c *rest.Call, values []string, g *placement.Group) error {
	if len(values) > 1 && !c.From(1, 39) {
		values = values[len(values)-1:]
	}
	for _, v := range values {
		if any, ok := strings.CutPrefix(v, "in:"); ok && c.From(1, 39) {
			g.Required = append(g.Required, strings.Split(any, ","))
			continue
		}
		for t := range strings.SplitSeq(v, ",") {
			no, forbidden := strings.CutPrefix(t, "!")
			switch {
			case no == "":
				return badQuery("Invalid query string parameters: Expected 'required' parameter value of the form: HW_CPU_X86_VMX,CUSTOM_MAGIC. Got: %s", v)
			case forbidden && !c.From(1, 22):
				return badQuery("No such trait(s): %s.", t)
			case forbidden:
				g.Forbidden = append(g.Forbidden, no)
			default:
				g.Required = append(g.Required, []string{t})
			}
		}
	}
	return nil
}

// readAggregates reads UUID, in:UUID,UUID and, since 1.32, both with a ! before.
func readAggregates(c *rest.Call, values []string, g *placement.Group) error {
	if len(values) > 1 && !c.From(1, 24) {
		return badQuery("Multiple member_of parameters are not supported")
	}
	for _, v := range values {
		text, not := strings.CutPrefix(v, "!")
		if not && !c.From(1, 32) {
			return badQuery("Forbidden member_of parameters are not supported in the specified microversion")
		}
		list, in := strings.CutPrefix(text, "in:")
		ids := strings.Split(list, ",")
		if !in && len(ids) > 1 {
			return badQuery("Multiple values for 'member_of' must be prefixed with the 'in:' keyword. Got: %s", v)
		}
		for _, id := range ids {
			if dashed(id) == id && len(id) != 36 {
				return badQuery("Expected 'member_of' parameter to contain valid UUID(s). Got: %s", id)
			}
		}
		if not {
			g.NotMemberOf = append(g.NotMemberOf, ids...)
		} else {
			g.MemberOf = append(g.MemberOf, ids)
		}
	}
	return nil
}

func (s *service) candidateQuery(c *rest.Call) (placement.CandidateQuery, error) {
	q := c.URL.Query()
	out := placement.CandidateQuery{Nested: c.From(1, 29), Isolate: q.Get("group_policy") == "isolate"}
	var suffixes []string
	for name := range q {
		m := suffixed.FindStringSubmatch(name)
		switch {
		case m != nil:
			if m[2] != "" && (!c.From(1, 25) || !c.From(1, 33) && !digits(m[2])) {
				return out, badQuery("Additional properties are not allowed ('%s' was unexpected)", name)
			}
			if !slices.Contains(suffixes, m[2]) {
				suffixes = append(suffixes, m[2])
			}
		case name == "limit" && c.From(1, 16), name == "group_policy" && c.From(1, 25), name == "root_required" && c.From(1, 35), name == "same_subtree" && c.From(1, 36):
		default:
			return out, badQuery("Additional properties are not allowed ('%s' was unexpected)", name)
		}
	}
	slices.Sort(suffixes)
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return out, badQuery("'%s' does not match '^[1-9][0-9]*$'", v)
		}
		out.Limit = n
	}
	if err := s.readGroups(c, q, suffixes, &out); err != nil {
		return out, err
	}
	return out, readTree(q, &out)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func (s *service) readGroups(c *rest.Call, q url.Values, suffixes []string, out *placement.CandidateQuery) error {
	classes, err := s.p.Classes(c.Context())
	if err != nil {
		return err
	}
	granular, any := 0, false
	for _, x := range suffixes {
		g, err := readGroup(c, q, x)
		if err != nil {
			return err
		}
		for class := range g.Resources {
			if !slices.Contains(classes, class) {
				return badQuery("Invalid resource class in resources parameter: No such resource class %s.", class)
			}
		}
		if len(g.Resources) == 0 && (x == "" || !c.From(1, 36)) {
			return badQuery("All request groups must specify resources.")
		}
		any = any || len(g.Resources) > 0
		if x != "" && len(g.Resources) > 0 {
			granular++
		}
		out.Groups = append(out.Groups, g)
	}
	if !any {
		return badQuery("At least one request group must specify resources.")
	}
	if p := q.Get("group_policy"); p != "" && p != "none" && p != "isolate" {
		return badQuery("'%s' is not one of ['none', 'isolate']", p)
	} else if granular > 1 && p == "" {
		return badQuery("The \"group_policy\" parameter is required when specifying more than one \"resources{N}\" parameter.")
	}
	return nil
}

func readTree(q url.Values, out *placement.CandidateQuery) error {
	for _, v := range q["same_subtree"] {
		out.SameSubtree = append(out.SameSubtree, strings.Split(v, ","))
	}
	if v := q.Get("root_required"); v != "" {
		for t := range strings.SplitSeq(v, ",") {
			if no, ok := strings.CutPrefix(t, "!"); ok {
				out.RootForbidden = append(out.RootForbidden, no)
			} else {
				out.RootRequired = append(out.RootRequired, t)
			}
		}
	}
	return nil
}

type requestView struct {
	Old      []oldAllocation           `wire:"allocations,..1.11"`
	New      map[string]map[string]any `wire:"allocations,1.12.."`
	Mappings map[string][]string       `wire:"mappings,1.34.."`
}

type oldAllocation struct {
	Provider  map[string]string `wire:"resource_provider"`
	Resources map[string]int64  `wire:"resources"`
}

type summaryView struct {
	Resources map[string]amountView `wire:"resources"`
	Traits    []string              `wire:"traits,1.17.."`
	Parent    *string               `wire:"parent_provider_uuid,1.29.."`
	Root      string                `wire:"root_provider_uuid,1.29.."`
}

type amountView struct {
	Capacity int64 `wire:"capacity"`
	Used     int64 `wire:"used"`
}

func (s *service) listCandidates(c *rest.Call, _ struct{}) (any, error) {
	q, err := s.candidateQuery(c)
	if err != nil {
		return nil, err
	}
	found, spoken, err := s.p.Candidates(c.Context(), q)
	if err != nil {
		return nil, err
	}
	requests := []requestView{}
	asked := map[string]bool{}
	for _, x := range found {
		v := requestView{New: map[string]map[string]any{}, Mappings: x.Mappings}
		for id, r := range x.Resources {
			v.Old = append(v.Old, oldAllocation{map[string]string{"uuid": id}, r})
			v.New[id] = map[string]any{"resources": r}
			for class := range r {
				asked[class] = true
			}
		}
		requests = append(requests, v)
	}
	summaries := map[string]summaryView{}
	for id, v := range spoken {
		x := summaryView{Resources: map[string]amountView{}, Traits: v.Traits, Root: v.RootID}
		if v.ParentID != "" {
			x.Parent = &v.ParentID
		}
		for class, i := range v.Inventories {
			if c.From(1, 27) || asked[class] {
				x.Resources[class] = amountView{i.Capacity(), v.Used[class]}
			}
		}
		summaries[id] = x
	}
	fresh(c, s.p.Now())
	return map[string]any{"allocation_requests": requests, "provider_summaries": summaries}, nil
}
