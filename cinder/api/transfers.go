package api

import (
	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) transfers() []rest.Route {
	return append(s.transferRows("/v3/os-volume-transfer", 0), s.transferRows("/v3/volume-transfers", rest.V(3, 55))...)
}

func (s *service) transferRows(at string, since rest.Version) []rest.Route {
	list := &rest.Listing{Key: "transfers", Filters: []string{"id", "name", "volume_id"}, Sorts: []string{"id", "name", "volume_id", "created_at"}, Also: []string{"all_tenants"}}
	return []rest.Route{
		{On: "GET " + at, Since: since, Rule: "volume:get_all_transfers", Do: rest.Do(s.listTransfers), List: list},
		{On: "GET " + at + "/detail", Since: since, Rule: "volume:get_all_transfers", Do: rest.Do(s.detailTransfers), List: list},
		{On: "POST " + at, Since: since, Rule: "volume:create_transfer", Target: s.ofVolume("transfer", "volume_id"), Do: rest.Do(s.createTransfer), Body: s.shelf.Get("more.transfer"), Status: 202},
		{On: "GET " + at + "/{id}", Since: since, Rule: "volume:get_transfer", Target: s.transfer, Do: rest.Do(s.showTransfer)},
		{On: "DELETE " + at + "/{id}", Since: since, Rule: "volume:delete_transfer", Target: s.transfer, Do: rest.DoNothing(s.deleteTransfer), Mutates: true, Status: 202},
		{On: "POST " + at + "/{id}/accept", Since: since, Rule: "volume:accept_transfer", Do: rest.Do(s.acceptTransfer), Body: s.shelf.Get("more.accept"), Status: 202},
	}
}

type transferBrief struct {
	ID     string  `wire:"id"`
	Volume string  `wire:"volume_id"`
	Name   *string `wire:"name"`
	Links  []link  `wire:"links"`
}

type transferView struct {
	transferBrief
	Created     stamp   `wire:"created_at"`
	Source      string  `wire:"source_project_id,3.57.."`
	Destination *string `wire:"destination_project_id,3.57.."`
	Accepted    bool    `wire:"accepted,3.57.."`
	Without     bool    `wire:"no_snapshots,3.55.."`
	Key         string  `wire:"auth_key,,omitempty"`
}

func briefTransfer(c *rest.Call, t *cinder.Transfer) transferBrief {
	return transferBrief{t.ID, t.VolumeID, t.Name, self(c, "os-volume-transfer", t.ID)}
}

func viewTransfer(c *rest.Call, t *cinder.Transfer) transferView {
	return transferView{transferBrief: briefTransfer(c, t), Created: stamp(t.CreatedAt), Source: t.FromProject, Without: t.NoSnapshots}
}

func (s *service) findTransfers(c *rest.Call) (listing.Page[*cinder.Transfer], error) {
	q, err := query(c)
	if err != nil {
		return listing.Page[*cinder.Transfer]{}, err
	}
	if !c.From(3, 59) {
		q.Sorts = nil
	}
	return s.c.TransfersPage(c.Context(), q)
}

func (s *service) listTransfers(c *rest.Call, _ struct{}) (listing.Page[transferBrief], error) {
	p, err := s.findTransfers(c)
	return page(c, p, func(t *cinder.Transfer) transferBrief { return briefTransfer(c, t) }), err
}

func (s *service) detailTransfers(c *rest.Call, _ struct{}) (listing.Page[transferView], error) {
	p, err := s.findTransfers(c)
	return page(c, p, func(t *cinder.Transfer) transferView { return viewTransfer(c, t) }), err
}

func (s *service) createTransfer(c *rest.Call, in struct {
	Transfer struct {
		Volume  string  `json:"volume_id"`
		Name    *string `json:"name"`
		Without any     `json:"no_snapshots"`
	}
}) (any, error) {
	t := &cinder.Transfer{VolumeID: in.Transfer.Volume, Name: trimmed(in.Transfer.Name), NoSnapshots: yes(in.Transfer.Without)}
	key, err := s.c.Offer(c.Context(), t)
	if err != nil {
		return nil, err
	}
	v := viewTransfer(c, t)
	v.Key = key
	return map[string]any{"transfer": v}, nil
}

func (s *service) showTransfer(c *rest.Call, in byID) (any, error) {
	t, err := s.c.Transfer(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"transfer": viewTransfer(c, t)}, nil
}

func (s *service) deleteTransfer(c *rest.Call, in byID) error {
	return s.c.Withdraw(c.Context(), in.ID)
}

func (s *service) acceptTransfer(c *rest.Call, in struct {
	ID     string `path:"id"`
	Accept struct {
		Key any `json:"auth_key"`
	}
}) (any, error) {
	key, ok := in.Accept.Key.(string)
	if !ok {
		return nil, fault.New(fault.Invalid, "Invalid auth key: Attempt to transfer %s with invalid auth key.", in.ID)
	}
	t, err := s.c.Accept(c.Context(), c.Who, in.ID, key)
	if err != nil {
		return nil, err
	}
	return map[string]any{"transfer": briefTransfer(c, t)}, nil
}
