package neutron

// Resources are what quotas count, in the order they are shown.
var Resources = []string{"network", "subnet", "subnetpool", "port", "router", "floatingip", "rbac_policy", "security_group", "security_group_rule"}

// DefaultQuota is what a project may have when nobody said otherwise; -1 is any number.
var DefaultQuota = map[string]int{"network": 100, "subnet": 100, "subnetpool": -1, "port": 500, "router": 10, "floatingip": 50,
	"rbac_policy": 10, "security_group": 10, "security_group_rule": 100}

// A Limit is one project's own quota of one resource.
type Limit struct {
	ProjectID string `bun:"project_id,pk"`
	Resource  string `bun:"resource,pk"`
	Limit     int    `bun:"quota"`
}

// A Usage is a quota and how much of it is used.
type Usage struct{ Limit, Used int }
