package keystone

// AssignmentQuery says which assignments are wanted; empty is any.
type AssignmentQuery struct {
	UserIDs    []string
	GroupIDs   []string
	RoleIDs    []string
	Targets    []string // ids of projects or domains, or "system"
	TargetKind string
	Inherited  *bool
	// OrInherited adds those that are inherited from these targets.
	OrInherited []string
}
