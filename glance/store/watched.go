package store

import "stackd/internal/events"

// Watched is what of images' tables tenants may follow.
var Watched = []events.Watch{
	{Table: "images", Type: "image", Project: "{row}.owner", Public: "{row}.visibility = 'public'", Shares: "SELECT project_id AS q FROM image_members WHERE image_id = {row}.id AND {row}.visibility = 'shared'", Ignore: []string{"touched_at", "upload"}},
	{Table: "image_members", Type: "image", Part: true, ID: "{row}.image_id", Project: "(SELECT owner FROM images WHERE id = {row}.image_id)", Shares: "SELECT {row}.project_id AS q"},
	{Table: "metadef_namespaces", Type: "metadef", ID: "{row}.name", Project: "{row}.owner", Public: "{row}.visibility = 'public'"},
}
