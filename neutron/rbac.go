package neutron

// An RBACPolicy lets a project, or all of them ("*"), use what another owns.
type RBACPolicy struct {
	ID         string `bun:"id,pk"`
	ProjectID  string `bun:"project_id"`
	ObjectType string `bun:"object_type"` // network, subnetpool, address_scope, security_group
	ObjectID   string `bun:"object_id"`
	Action     string `bun:"action"`
	Target     string `bun:"target_project"`
}

// What a policy may let do.
const (
	AsShared   = "access_as_shared"
	AsExternal = "access_as_external"
	Everyone   = "*"
)

// RBACSpec is a request for a policy.
type RBACSpec struct {
	ProjectID, ObjectType, ObjectID, Action, Target string
}
