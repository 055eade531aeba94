package store

import "stackd/internal/events"

const sharingOf = "SELECT target_project AS q FROM network_rbac WHERE object_id = {row}."

// Watched is what of networking's tables tenants may follow. Whatever belongs to a port
// or a router changes its revision with it.
var Watched = []events.Watch{
	{Table: "networks", Type: "network", Project: "{row}.project_id", Shares: sharingOf + "id"},
	{Table: "subnets", Type: "subnet", Project: "{row}.project_id", Shares: sharingOf + "network_id"},
	{Table: "ports", Type: "port", Project: "{row}.project_id"},
	{Table: "fixed_ips", Type: "port", Part: true, ID: "{row}.port_id", Project: "(SELECT project_id FROM ports WHERE id = {row}.port_id)"},
	{Table: "port_security_groups", Type: "port", Part: true, ID: "{row}.port_id", Project: "(SELECT project_id FROM ports WHERE id = {row}.port_id)"},
	{Table: "security_groups", Type: "security_group", Project: "{row}.project_id", Shares: sharingOf + "id"},
	{Table: "security_group_rules", Type: "security_group_rule", Project: "{row}.project_id"},
	{Table: "routers", Type: "router", Project: "{row}.project_id"},
	{Table: "floatingips", Type: "floatingip", Project: "{row}.project_id"},
	{Table: "subnetpools", Type: "subnetpool", Project: "{row}.project_id", Shares: sharingOf + "id"},
	{Table: "address_scopes", Type: "address_scope", Project: "{row}.project_id", Shares: sharingOf + "id"},
	{Table: "network_rbac", Type: "network", Part: true, ID: "{row}.object_id", Project: "{row}.project_id", Shares: "SELECT {row}.target_project AS q"},
}
