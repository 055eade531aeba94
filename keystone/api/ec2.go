package api

import (
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) ec2Rows() []rest.Route {
	on := "/v3/users/{id}/credentials/OS-EC2"
	at := there(func(c *rest.Call) (*keystone.EC2Key, error) {
		return a.id.EC2Key(c.Context(), c.PathValue("id"), c.PathValue("access"))
	}, ec2Target)
	return []rest.Route{
		{On: "GET " + on, Rule: "identity:ec2_list_credentials", Target: a.userTarget, Do: rest.Do(a.listEC2)},
		{On: "POST " + on, Rule: "identity:ec2_create_credential", Target: ec2Target, Body: a.shelf.Get("ec2.create"), Status: 201, Do: rest.Do(a.createEC2)},
		{On: "GET " + on + "/{access}", Rule: "identity:ec2_get_credential", Target: at, Do: rest.Do(a.showEC2)},
		{On: "DELETE " + on + "/{access}", Rule: "identity:ec2_delete_credential", Target: at, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteEC2)},
	}
}

func ec2Target(c *rest.Call) (policy.Target, error) {
	return policy.Target{"target.credential.user_id": c.PathValue("id"), "user_id": c.PathValue("id")}, nil
}

type ec2Key struct {
	Access   string  `wire:"access"`
	Secret   string  `wire:"secret"`
	TrustID  *string `wire:"trust_id"`
	UserID   string  `wire:"user_id"`
	TenantID string  `wire:"tenant_id"`
	Links    self    `wire:"links"`
}

type ec2Out struct {
	Credential ec2Key `wire:"credential"`
}

type ec2In struct {
	ID     string `path:"id"`
	Access string `path:"access"`
}

func ec2Of(c *rest.Call, k *keystone.EC2Key) ec2Key {
	return ec2Key{k.Access, k.Secret, null(k.TrustID), k.UserID, k.ProjectID, link(c, "users/"+k.UserID+"/credentials/OS-EC2", k.Access)}
}

func (a *API) listEC2(c *rest.Call, in idIn) (any, error) {
	ks, err := a.id.EC2Keys(c.Context(), in.ID)
	out, only := []ec2Key{}, delegatedTo(c)
	for _, k := range ks {
		if only == "" || k.ProjectID == only {
			out = append(out, ec2Of(c, k))
		}
	}
	return map[string]any{"credentials": out, "links": links(c, "")["links"]}, err
}

func (a *API) createEC2(c *rest.Call, in struct {
	ID       string `path:"id"`
	TenantID string `json:"tenant_id"`
}) (ec2Out, error) {
	if err := a.id.MayMakeKeys(c.Context(), c.Who, in.TenantID); err != nil {
		return ec2Out{}, err
	}
	k, err := a.id.CreateEC2Key(c.Context(), c.Who, in.ID, in.TenantID)
	if err != nil {
		return ec2Out{}, err
	}
	return ec2Out{ec2Of(c, k)}, nil
}

func (a *API) showEC2(c *rest.Call, in ec2In) (ec2Out, error) {
	k, err := a.id.EC2Key(c.Context(), in.ID, in.Access)
	if err != nil {
		return ec2Out{}, err
	}
	return ec2Out{ec2Of(c, k)}, nil
}

func (a *API) deleteEC2(c *rest.Call, in ec2In) error {
	return a.id.DeleteEC2Key(c.Context(), in.ID, in.Access)
}
