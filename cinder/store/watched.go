package store

import "stackd/internal/events"

// Watched is what of block storage's tables tenants may follow.
var Watched = []events.Watch{
	{Table: "volumes", Type: "volume", Project: "{row}.project_id", Ignore: []string{"wish", "wanted_size"}},
	{Table: "attachments", Type: "attachment", Project: "{row}.project_id"},
	{Table: "snapshots", Type: "snapshot", Project: "{row}.project_id", Ignore: []string{"wish"}},
	{Table: "volume_backups", Type: "backup", Project: "{row}.project_id", Ignore: []string{"wish"}},
	{Table: "volume_groups", Type: "volume_group", Project: "{row}.project_id"},
	{Table: "volume_group_snapshots", Type: "group_snapshot", Project: "{row}.project_id"},
	{Table: "volume_transfers", Type: "transfer", Project: "{row}.from_project"},
	{Table: "volume_types", Type: "volume_type", Public: "{row}.public", Shares: "SELECT project_id AS q FROM volume_type_accesses WHERE type_id = {row}.id"},
	{Table: "volume_type_accesses", Type: "volume_type", Part: true, ID: "{row}.type_id", Shares: "SELECT {row}.project_id AS q"},
	{Table: "volume_group_types", Type: "group_type", Public: "{row}.public"},
	{Table: "volume_qos_specs", Type: "volume_qos"},
}
