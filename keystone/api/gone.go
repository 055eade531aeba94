package api

import (
	"stackd/internal/fault"
	"stackd/internal/rest"
)

// goneRows are what went away with PKI tokens, and say so to anyone.
func goneRows() []rest.Route {
	no := func(k fault.Kind, text string) func(*rest.Call) (any, error) {
		return func(*rest.Call) (any, error) { return nil, fault.New(k, "%s", text) }
	}
	removed := no(fault.Gone, "This API is no longer available due to the removal of support for PKI tokens.")
	return []rest.Route{
		{On: "GET /v3/OS-SIMPLE-CERT/ca", Open: true, Do: removed},
		{On: "GET /v3/OS-SIMPLE-CERT/certificates", Open: true, Do: removed},
		{On: "GET /v3/auth/tokens/OS-PKI/revoked", Open: true, Do: no(fault.Forbidden, "You are not authorized to perform the requested action.")},
	}
}
