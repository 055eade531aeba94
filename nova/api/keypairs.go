package api

import (
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/nova"
)

func (s *service) keypairs() []rest.Route {
	user := func(c *rest.Call) (policy.Target, error) {
		return policy.Target{"user_id": owner(c), "project_id": c.Who.Project.ID}, nil
	}
	return []rest.Route{
		{On: "GET /v2.1/os-keypairs", Rule: "os_compute_api:os-keypairs:index", Target: user, Do: rest.Do(s.listKeypairs), List: &rest.Listing{Key: "keypairs", Filters: []string{"user_id"}}},
		{On: "POST /v2.1/os-keypairs", Asks: "os-keypairs:create, of the body's user", Do: rest.Do(s.createKeypair), Body: s.shelf.Get("admin.keypair")},
		{On: "GET /v2.1/os-keypairs/{id}", Rule: "os_compute_api:os-keypairs:show", Target: user, Do: rest.Do(s.showKeypair)},
		{On: "DELETE /v2.1/os-keypairs/{id}", Rule: "os_compute_api:os-keypairs:delete", Target: user, Do: rest.DoNothing(s.deleteKeypair), Status: 202, Until: rest.V(2, 1), Mutates: true},
		{On: "DELETE /v2.1/os-keypairs/{id}", Rule: "os_compute_api:os-keypairs:delete", Target: user, Do: rest.DoNothing(s.deleteKeypair), Status: 204, Since: rest.V(2, 2), Mutates: true},
	}
}

// owner is the user whose keys are meant: since 2.10 an administrator may name one.
func owner(c *rest.Call) string {
	if u := c.URL.Query().Get("user_id"); u != "" && c.From(2, 10) {
		return u
	}
	return c.Who.User.ID
}

type keypairView struct {
	Private     string    `wire:"private_key,,omitempty"`
	Name        string    `wire:"name"`
	PublicKey   string    `wire:"public_key"`
	Fingerprint string    `wire:"fingerprint"`
	UserID      string    `wire:"user_id,,omitempty"`
	Type        string    `wire:"type,2.2.."`
	Deleted     *bool     `wire:"deleted,,omitempty"`
	DeletedAt   *noTime   `wire:"deleted_at,,omitempty"`
	UpdatedAt   *noTime   `wire:"updated_at,,omitempty"`
	ID          int64     `wire:"id,,omitempty"`
	Created     *nanoTime `wire:"created_at,,omitempty"`
}

// noTime is a member that is always null.
type noTime struct{}

func (noTime) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func viewKeypair(k *nova.Keypair) keypairView {
	return keypairView{Name: k.Name, PublicKey: k.PublicKey, Fingerprint: k.Fingerprint, Type: k.Type}
}

func (s *service) listKeypairs(c *rest.Call, _ struct{}) (listing.Page[map[string]keypairView], error) {
	l := c.List
	if !c.From(2, 35) {
		l.Marker, l.Limit = "", 0
	}
	rows, err := s.c.Keypairs(c.Context(), owner(c), l)
	p := listing.Map(listing.Cut(rows, l.Limit), func(k *nova.Keypair) map[string]keypairView { return map[string]keypairView{"keypair": viewKeypair(k)} })
	if p.More {
		c.NextMarker = rows[len(p.Items)-1].Name
	}
	return p, err
}

func (s *service) createKeypair(c *rest.Call, in struct {
	Keypair struct {
		Name, Type string
		Public     *string `json:"public_key"`
		User       string  `json:"user_id"`
	}
}) (map[string]keypairView, error) {
	user := c.Who.User.ID
	if in.Keypair.User != "" {
		user = in.Keypair.User
	}
	if err := c.Require("os_compute_api:os-keypairs:create", policy.Target{"user_id": user, "project_id": c.Who.Project.ID}); err != nil {
		return nil, err
	}
	if c.From(2, 2) {
		c.Route.Status = 201
	}
	var k *nova.Keypair
	var private string
	var err error
	kind := in.Keypair.Type
	if kind == "" {
		kind = "ssh"
	}
	switch {
	case in.Keypair.Public != nil:
		k, err = s.c.ImportKeypair(c.Context(), user, in.Keypair.Name, kind, *in.Keypair.Public)
	case kind == "x509":
		return nil, fault.New(fault.Invalid, "A key of type x509 can be imported only; send its public_key.")
	default:
		k, private, err = s.c.MakeKeypair(c.Context(), user, in.Keypair.Name)
	}
	if err != nil {
		return nil, err
	}
	v := viewKeypair(k)
	v.Private, v.UserID = private, k.UserID
	return map[string]keypairView{"keypair": v}, nil
}

func (s *service) showKeypair(c *rest.Call, in byID) (map[string]keypairView, error) {
	k, err := s.c.Keypair(c.Context(), owner(c), in.ID)
	if err != nil {
		return nil, err
	}
	v := viewKeypair(k)
	no := false
	v.UserID, v.Deleted, v.DeletedAt, v.UpdatedAt, v.ID, v.Created = k.UserID, &no, &noTime{}, &noTime{}, k.Num, nano(k.CreatedAt)
	return map[string]keypairView{"keypair": v}, nil
}

func (s *service) deleteKeypair(c *rest.Call, in byID) error {
	return s.c.Tx(c.Context(), func(ctx ctxt) error { return s.c.DeleteKeypair(ctx, owner(c), in.ID) })
}
