// Package policy decides what a caller may do, by rules in oslo.policy's language.
//
// The rules are OpenStack's own defaults (defaults.tsv: service, rule, check,
// scopes, operations); a policy.yaml may override them. A rule that does not
// exist denies.
//
//	role:admin                        the caller has the role
//	rule:name                         another rule
//	project_id:%(project_id)s         the caller's attribute equals the target's
//	'public':%(visibility)s           a literal equals the target's
//	field:networks:shared=True        the target's attribute has the value
//	@ ! not and or ( )                always, never, and how to combine them
//
// See https://docs.openstack.org/oslo.policy (the policy language).
package policy
