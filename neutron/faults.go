package neutron

import (
	"fmt"
	"strings"

	"stackd/internal/fault"
)

func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "Invalid input for operation: %s.", fmt.Sprintf(format, args...)).Named("InvalidInput")
}

func bad(resource, format string, args ...any) error {
	return fault.New(fault.Invalid, "Bad %s request: %s.", resource, strings.TrimSuffix(fmt.Sprintf(format, args...), ".")).Named("BadRequest")
}

func conflict(name, format string, args ...any) error {
	return fault.New(fault.Conflict, format, args...).Named(name)
}

func badValue(name, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).Named(name)
}

// missing is the 404 of one kind of thing.
func missing(kind, id string) error {
	m := map[string][2]string{
		"network":             {"NetworkNotFound", "Network %s could not be found."},
		"subnet":              {"SubnetNotFound", "Subnet %s could not be found."},
		"port":                {"PortNotFound", "Port %s could not be found."},
		"router":              {"RouterNotFound", "Router %s could not be found"},
		"floatingip":          {"FloatingIPNotFound", "Floating IP %s could not be found"},
		"security_group":      {"SecurityGroupNotFound", "Security group %s does not exist"},
		"security_group_rule": {"SecurityGroupRuleNotFound", "Security group rule %s does not exist"},
		"subnetpool":          {"SubnetPoolNotFound", "Subnet pool %s could not be found."},
		"address_scope":       {"AddressScopeNotFound", "Address scope %s could not be found."},
		"rbac_policy":         {"RbacPolicyNotFound", "RBAC policy of type rbac_policy with ID %s not found"},
		"agent":               {"AgentNotFound", "Agent %s could not be found."},
	}[kind]
	return fault.New(fault.NotFound, m[1], id).Named(m[0])
}

// OverQuota is the fault of asking for more than the project may have.
func overQuota(resources ...string) error {
	return fault.New(fault.OverQuota, "Quota exceeded for resources: ['%s'].", strings.Join(resources, "', '")).Named("OverQuota")
}

// Denied is the 403 of a rule.
func Denied(rule string) error {
	return fault.New(fault.Forbidden, "%s is disallowed by policy", rule).Named("PolicyNotAuthorized")
}

func contains[T comparable](s []T, v T) bool {
	for _, x := range s {
		if x == v {
			return true
		}
	}
	return false
}
