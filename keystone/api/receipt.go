package api

import (
	"stackd/internal/rest"
	"stackd/keystone"
)

// receiptOut is the answer to a proof that is right, and not yet enough.
type receiptOut struct {
	Receipt struct {
		Methods   []string `wire:"methods"`
		User      homed    `wire:"user"`
		ExpiresAt stamp    `wire:"expires_at"`
		IssuedAt  stamp    `wire:"issued_at"`
	} `wire:"receipt"`
	Required [][]string `wire:"required_auth_methods"`
}

func receipt(c *rest.Call, r *keystone.Receipt) (out receiptOut) {
	c.W.Header().Set("Openstack-Auth-Receipt", r.ID)
	out.Receipt.Methods = r.Methods
	out.Receipt.User = homed{refOf(r.Domain), r.User.ID, r.User.Name}
	out.Receipt.ExpiresAt, out.Receipt.IssuedAt = stamp(r.ExpiresAt), stamp(r.IssuedAt)
	out.Required = r.Required
	return out
}
