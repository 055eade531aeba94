package store

import "stackd/internal/events"

// Watched is what of compute's tables tenants and administrators may follow.
var Watched = []events.Watch{
	{Table: "servers", Type: "server", Project: "{row}.project_id", Gone: "{row}.deleted_at IS NOT NULL",
		Ignore: []string{"wanted", "plugged", "soft_reboots", "hard_reboots", "rebuilds", "local_of", "reimage", "rescue", "shelved_image", "disks_of", "migration_id", "seen_generation", "seen_ports", "seen_step", "seen_fault", "seen_final", "seen_copied", "action_id"}},
	{Table: "server_actions", Type: "server", Part: true, ID: "{row}.server_id", Project: "(SELECT project_id FROM servers WHERE id = {row}.server_id AND deleted_at IS NULL)"},
	{Table: "keypairs", Type: "keypair", ID: "{row}.name", User: "{row}.user_id"},
	{Table: "server_groups", Type: "server_group", Project: "{row}.project_id"},
	{Table: "group_members", Type: "server_group", Part: true, ID: "{row}.group_id", Project: "(SELECT project_id FROM server_groups WHERE id = {row}.group_id)"},
	{Table: "flavors", Type: "flavor", Public: "{row}.public", Shares: "SELECT project_id AS q FROM flavor_accesses WHERE flavor_id = {row}.id"},
	{Table: "flavor_accesses", Type: "flavor", Part: true, ID: "{row}.flavor_id", Shares: "SELECT {row}.project_id AS q"},
	{Table: "hosts", Type: "host", ID: "{row}.name", Ignore: []string{"free_disk_gb", "free_mem_mb", "uptime", "reported_at"}},
	{Table: "aggregates", Type: "aggregate"},
}
