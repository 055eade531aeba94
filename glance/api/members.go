package api

import (
	"time"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

func (s *service) members() []rest.Route {
	return []rest.Route{
		{On: "GET /v2/images/{id}/members", Asks: "get_members, of what was found", Do: rest.Do(s.listMembers)},
		{On: "POST /v2/images/{id}/members", Asks: "add_member, of what was found", Do: rest.Do(s.addMember), Mutates: true},
		{On: "GET /v2/images/{id}/members/{member}", Asks: "get_member, of what was found", Do: rest.Do(s.showMember)},
		{On: "PUT /v2/images/{id}/members/{member}", Asks: "modify_member, of what was found", Do: rest.Do(s.updateMember), Mutates: true},
		{On: "DELETE /v2/images/{id}/members/{member}", Asks: "delete_member, of what was found", Do: rest.DoNothing(s.dropMember), Status: 204, Mutates: true},
	}
}

type memberView struct {
	Member  string    `wire:"member_id"`
	Image   string    `wire:"image_id"`
	Status  string    `wire:"status"`
	Created time.Time `wire:"created_at"`
	Updated time.Time `wire:"updated_at"`
	Schema  string    `wire:"schema"`
}

func viewMember(m *glance.Member) memberView {
	return memberView{m.ProjectID, m.ImageID, m.Status, m.CreatedAt, m.UpdatedAt, "/v2/schemas/member"}
}

type memberPath struct {
	byID
	Member string `path:"member"`
}

func (s *service) listMembers(c *rest.Call, in byID) (any, error) {
	i, err := s.seen(c, in.ID)
	if err != nil {
		return nil, err
	}
	if err := c.Require("get_members", policy.Target{"project_id": i.Owner, "member_id": c.Who.Project.ID}); err != nil {
		return nil, err
	}
	rows, err := s.g.Sharers(c.Context(), in.ID)
	out := []memberView{}
	for _, m := range rows {
		out = append(out, viewMember(&m))
	}
	return map[string]any{"members": out, "schema": "/v2/schemas/members"}, err
}

func (s *service) addMember(c *rest.Call, in struct {
	byID
	Member *string `json:"member"`
}) (memberView, error) {
	if in.Member == nil {
		return memberView{}, fault.New(fault.Invalid, "Provided object does not match schema 'member': 'member' is a required property")
	}
	if *in.Member == "" || len(*in.Member) > 255 {
		return memberView{}, fault.New(fault.Invalid, "Member can't be empty, and is 255 characters at most")
	}
	m, err := s.g.Share(c.Context(), in.ID, *in.Member, may(c, "add_member"))
	if err != nil {
		return memberView{}, err
	}
	return viewMember(m), nil
}

func (s *service) showMember(c *rest.Call, in memberPath) (memberView, error) {
	i, err := s.seen(c, in.ID)
	if err != nil {
		return memberView{}, err
	}
	if !c.May("get_member", policy.Target{"project_id": i.Owner, "member_id": in.Member}) {
		return memberView{}, glance.NotFound(in.ID)
	}
	m, err := s.g.Sharer(c.Context(), in.ID, in.Member)
	if err != nil {
		return memberView{}, err
	}
	return viewMember(m), nil
}

func (s *service) updateMember(c *rest.Call, in struct {
	memberPath
	Status string `json:"status"`
}) (memberView, error) {
	if !contains([]string{"pending", "accepted", "rejected"}, in.Status) {
		return memberView{}, fault.New(fault.Invalid, "Status must be \"pending\", \"accepted\" or \"rejected\".")
	}
	i, err := s.seen(c, in.ID)
	if err != nil {
		return memberView{}, err
	}
	if err := c.Require("modify_member", policy.Target{"project_id": i.Owner, "member_id": in.Member}); err != nil {
		return memberView{}, err
	}
	m, err := s.g.Answer(c.Context(), in.ID, in.Member, in.Status)
	if err != nil {
		return memberView{}, err
	}
	return viewMember(m), nil
}

func (s *service) dropMember(c *rest.Call, in memberPath) error {
	return s.g.Unshare(c.Context(), in.ID, in.Member, may(c, "delete_member"))
}
