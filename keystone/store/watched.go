package store

import "stackd/internal/events"

// Watched is what of identity's tables may be followed: a project and a person their
// own, administrators all.
var Watched = []events.Watch{
	{Table: "keystone_projects", Type: "project", Project: "{row}.id"},
	{Table: "keystone_users", Type: "user", User: "{row}.id", Ignore: []string{"password_hash", "tokens_from"}},
	{Table: "keystone_groups", Type: "group"},
	{Table: "keystone_roles", Type: "role"},
	{Table: "keystone_memberships", Type: "membership", ID: "{row}.group_id", User: "{row}.user_id"},
	{Table: "keystone_assignments", Type: "assignment", ID: "{row}.target_id", Project: "CASE WHEN {row}.target_kind = 'project' THEN {row}.target_id ELSE '' END", User: "CASE WHEN {row}.actor_kind = 'user' THEN {row}.actor_id ELSE '' END"},
	{Table: "keystone_app_credentials", Type: "application_credential", User: "{row}.user_id"},
	{Table: "keystone_credentials", Type: "credential", User: "{row}.user_id"},
}
