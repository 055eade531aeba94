-- The type that consistency groups have, as the real service's migrations make it.
-- +goose Up
INSERT INTO volume_group_types (id, name, description, public, specs, created_at)
SELECT '5f2c1f0a-94c7-4ea5-9d4f-6d1b6a0f7c11', 'default_cgsnapshot_type', 'Default group type for migrating cgsnapshot', TRUE, '{"consistent_group_snapshot_enabled":"<is> True"}', CURRENT_TIMESTAMP
WHERE NOT EXISTS (SELECT 1 FROM volume_group_types WHERE name = 'default_cgsnapshot_type');

-- +goose Down
DELETE FROM volume_group_types WHERE id = '5f2c1f0a-94c7-4ea5-9d4f-6d1b6a0f7c11' AND NOT EXISTS (SELECT 1 FROM volume_groups WHERE group_type_id = '5f2c1f0a-94c7-4ea5-9d4f-6d1b6a0f7c11');
