package personas

import (
	"context"
	"maps"

	"stackd/cinder"
	"stackd/cinder/cindertest"
)

// blockMakings are block storage's things.
var blockMakings = []making{
	{keys: "volumes.id", service: "volume", by: "owner", call: "POST /v3/{project}/volumes", body: `{"volume":{"size":1,"metadata":{"k":"v"}}}`},
	{keys: "-", service: "volume", by: "owner", call: "POST /v3/volumes/{volume:volumes.id}/action", body: `{"os-set_image_metadata":{"metadata":{"k":"v"}}}`},
	{keys: "grouped", service: "volume", by: "owner", call: "POST /v3/{project}/volumes", body: `{"volume":{"size":1}}`},
	{keys: "offered", service: "volume", by: "owner", call: "POST /v3/{project}/volumes", body: `{"volume":{"size":1}}`},
	{keys: "held", service: "volume", by: "owner", call: "POST /v3/{project}/volumes", body: `{"volume":{"size":1}}`},
	{keys: "snapshots.id", service: "volume", by: "owner", call: "POST /v3/snapshots", body: `{"snapshot":{"volume_id":"{volume:volumes.id}","metadata":{"k":"v"}}}`},
	{keys: "attachments.id", service: "volume", by: "owner", call: "POST /v3/attachments", body: `{"attachment":{"volume_uuid":"{volume:held}","instance_uuid":"{volume:held}"}}`},
	{keys: "os-volume-transfer.id volume-transfers.id", service: "volume", by: "owner", call: "POST /v3/volume-transfers", body: `{"transfer":{"volume_id":"{volume:offered}"}}`},
	{keys: "types.id", service: "volume", by: "admin", call: "POST /v3/types", body: `{"volume_type":{"name":"t","extra_specs":{"multiattach":"<is> False"}}}`, shared: true},
	{keys: "encryption.key", service: "volume", by: "admin", call: "POST /v3/types/{volume:types.id}/encryption", body: `{"encryption":{"provider":"luks"}}`, id: "provider", shared: true},
	{keys: "extra_specs.key", service: "volume", by: "admin", call: "GET /v3/types", id: "multiattach", shared: true},
	{keys: "hidden", service: "volume", by: "admin", call: "POST /v3/types", body: `{"volume_type":{"name":"h","os-volume-type-access:is_public":false}}`, shared: true},
	{keys: "GET/v3/types/{id}/os-volume-type-access{id} POST/v3/types/{id}/action{id}", service: "volume", by: "admin", call: "GET /v3/types/{volume:hidden}", shared: true},
	{keys: "-", service: "volume", by: "admin", call: "POST /v3/types/{volume:hidden}/action", body: `{"addProjectAccess":{"project":"x"}}`, shared: true},
	{keys: "qos-specs.id", service: "volume", by: "admin", call: "POST /v3/qos-specs", body: `{"qos_specs":{"name":"q","k":"v"}}`, shared: true},
	{keys: "group_types.id", service: "volume", by: "admin", call: "POST /v3/group_types", body: `{"group_type":{"name":"g","group_specs":{"k":"v"}}}`, shared: true},
	{keys: "unused", service: "volume", by: "admin", call: "POST /v3/group_types", body: `{"group_type":{"name":"u"}}`, shared: true},
	{keys: "DELETE/v3/group_types/{id}{id}", service: "volume", by: "admin", call: "GET /v3/group_types/{volume:unused}", shared: true},
	{keys: "group_specs.key metadata.key", service: "volume", by: "admin", call: "GET /v3/group_types", id: "k", shared: true},
	{keys: "default", service: "volume", by: "admin", call: "GET /v3/types/default", shared: true},
	{keys: "groups.id", service: "volume", by: "owner", call: "POST /v3/groups", body: `{"group":{"group_type":"{volume:group_types.id}","volume_types":["{volume:default}"]}}`},
	{keys: "-", service: "volume", by: "owner", call: "PUT /v3/groups/{volume:groups.id}", body: `{"group":{"add_volumes":"{volume:grouped}"}}`},
	{keys: "group_snapshots.id", service: "volume", by: "owner", call: "POST /v3/group_snapshots", body: `{"group_snapshot":{"group_id":"{volume:groups.id}"}}`},
	{keys: "consistencygroups.id", service: "volume", by: "owner", call: "POST /v3/consistencygroups", body: `{"consistencygroup":{"volume_types":"{volume:default}"}}`},
	{keys: "consistent", service: "volume", by: "owner", call: "POST /v3/{project}/volumes", body: `{"volume":{"size":1,"consistencygroup_id":"{volume:consistencygroups.id}"}}`},
	{keys: "cgsnapshots.id", service: "volume", by: "owner", call: "POST /v3/cgsnapshots", body: `{"cgsnapshot":{"consistencygroup_id":"{volume:consistencygroups.id}"}}`},
	{keys: "default-types.id", service: "volume", by: "admin", call: "PUT /v3/default-types/{project}", body: `{"default_type":{"volume_type":"{volume:default}"}}`, id: "{project}"},
	{keys: "os-quota-sets.id", service: "volume", by: "owner", call: "GET /v3/volumes", id: "{project}"},
	{keys: "os-quota-class-sets.id", service: "volume", by: "admin", call: "GET /v3/volumes", id: "default", shared: true},
	{keys: "extensions.id", service: "volume", by: "admin", call: "GET /v3/extensions", id: "backups", shared: true},
	{keys: "capabilities.id os-hosts.id", service: "volume", by: "admin", call: "GET /v3/os-hosts", id: "stackd@files", shared: true},
	{keys: "clusters.id", service: "volume", by: "admin", call: "GET /v3/clusters", id: "c", shared: true},
}

// blockBodies are the requests of block storage that need one.
var blockBodies = map[string]filling{
	"volume POST /v3/volumes":                                         {body: `{"volume":{"size":1}}`},
	"volume PUT /v3/volumes/{id}":                                     {body: `{"volume":{"name":"x"}}`},
	"volume POST /v3/snapshots":                                       {body: `{"snapshot":{"volume_id":"{volume:volumes.id}"}}`},
	"volume PUT /v3/snapshots/{id}":                                   {body: `{"snapshot":{"name":"x"}}`},
	"volume POST /v3/attachments":                                     {body: `{"attachment":{"volume_uuid":"{volume:volumes.id}"}}`},
	"volume PUT /v3/attachments/{id}":                                 {body: `{"attachment":{"connector":{"host":"h"}}}`},
	"volume POST /v3/os-volume-transfer":                              {body: `{"transfer":{"volume_id":"{volume:volumes.id}"}}`},
	"volume POST /v3/volume-transfers":                                {body: `{"transfer":{"volume_id":"{volume:volumes.id}"}}`},
	"volume POST /v3/groups":                                          {body: `{"group":{"group_type":"{volume:group_types.id}","volume_types":["{volume:default}"]}}`},
	"volume PUT /v3/groups/{id}":                                      {body: `{"group":{"name":"x"}}`},
	"volume POST /v3/groups/action create-from-src":                   {body: `{"create-from-src":{"source_group_id":"{volume:groups.id}"}}`},
	"volume POST /v3/groups/{id}/action delete":                       {body: `{"delete":{"delete-volumes":true}}`},
	"volume POST /v3/groups/{id}/action list_replication_targets":     {body: `{"list_replication_targets":{}}`},
	"volume POST /v3/consistencygroups":                               {body: `{"consistencygroup":{"volume_types":"{volume:default}"}}`},
	"volume POST /v3/consistencygroups/create_from_src":               {body: `{"consistencygroup-from-src":{"source_cgid":"{volume:consistencygroups.id}"}}`},
	"volume PUT /v3/consistencygroups/{id}":                           {body: `{"consistencygroup":{"name":"x"}}`},
	"volume PUT /v3/consistencygroups/{id}/update":                    {body: `{"consistencygroup":{"name":"x"}}`},
	"volume POST /v3/consistencygroups/{id}/delete":                   {body: `{"consistencygroup":{"force":true}}`},
	"volume POST /v3/cgsnapshots":                                     {body: `{"cgsnapshot":{"consistencygroup_id":"{volume:consistencygroups.id}"}}`},
	"volume PUT /v3/os-services/set-log":                              {body: `{"level":"INFO"}`},
	"volume POST /v3/group_snapshots":                                 {body: `{"group_snapshot":{"group_id":"{volume:groups.id}"}}`},
	"volume PUT /v3/group_snapshots/{id}":                             {body: `{"group_snapshot":{"name":"x"}}`},
	"volume POST /v3/volumes/{id}/metadata":                           {body: `{"metadata":{"a":"b"}}`},
	"volume PUT /v3/volumes/{id}/metadata":                            {body: `{"metadata":{"a":"b"}}`},
	"volume PUT /v3/volumes/{id}/metadata/{key}":                      {body: `{"meta":{"k":"w"}}`},
	"volume POST /v3/snapshots/{id}/metadata":                         {body: `{"metadata":{"a":"b"}}`},
	"volume PUT /v3/snapshots/{id}/metadata":                          {body: `{"metadata":{"a":"b"}}`},
	"volume PUT /v3/snapshots/{id}/metadata/{key}":                    {body: `{"meta":{"k":"w"}}`},
	"volume POST /v3/volumes/{id}/action os-extend":                   {body: `{"os-extend":{"new_size":2}}`},
	"volume POST /v3/volumes/{id}/action os-reset_status":             {body: `{"os-reset_status":{"status":"error"}}`},
	"volume POST /v3/volumes/{id}/action os-set_bootable":             {body: `{"os-set_bootable":{"bootable":true}}`},
	"volume POST /v3/volumes/{id}/action os-update_readonly_flag":     {body: `{"os-update_readonly_flag":{"readonly":true}}`},
	"volume POST /v3/volumes/{id}/action os-set_image_metadata":       {body: `{"os-set_image_metadata":{"metadata":{"a":"b"}}}`},
	"volume POST /v3/volumes/{id}/action os-attach":                   {body: `{"os-attach":{"mountpoint":"/dev/vdb","host_name":"h"}}`},
	"volume POST /v3/volumes/{id}/action os-detach":                   {body: `{"os-detach":{}}`},
	"volume POST /v3/volumes/{id}/action os-force_detach":             {body: `{"os-force_detach":{}}`},
	"volume POST /v3/volumes/{id}/action os-initialize_connection":    {body: `{"os-initialize_connection":{"connector":{"host":"h"}}}`},
	"volume POST /v3/volumes/{id}/action os-terminate_connection":     {body: `{"os-terminate_connection":{"connector":{"host":"h"}}}`},
	"volume POST /v3/volumes/{id}/action os-retype":                   {body: `{"os-retype":{"new_type":"t"}}`},
	"volume POST /v3/volumes/{id}/action os-volume_upload_image":      {body: `{"os-volume_upload_image":{"image_name":"i"}}`},
	"volume POST /v3/volumes/{id}/action revert":                      {body: `{"revert":{"snapshot_id":"{volume:snapshots.id}"}}`},
	"volume POST /v3/volumes/{id}/action os-reimage":                  {body: `{"os-reimage":{"image_id":"{image:images.id}"}}`},
	"volume POST /v3/snapshots/{id}/action os-reset_status":           {body: `{"os-reset_status":{"status":"error"}}`},
	"volume POST /v3/types":                                           {body: `{"volume_type":{"name":"x"}}`},
	"volume PUT /v3/types/{id}":                                       {body: `{"volume_type":{"name":"x"}}`},
	"volume POST /v3/types/{id}/extra_specs":                          {body: `{"extra_specs":{"a":"b"}}`},
	"volume PUT /v3/types/{id}/extra_specs/{key}":                     {body: `{"multiattach":"<is> False"}`},
	"volume POST /v3/types/{id}/action addProjectAccess":              {body: `{"addProjectAccess":{"project":"{project}"}}`},
	"volume POST /v3/types/{id}/action removeProjectAccess":           {body: `{"removeProjectAccess":{"project":"x"}}`},
	"volume PUT /v3/types/{id}/encryption/{key}":                      {body: `{"encryption":{"provider":"luks"}}`},
	"volume POST /v3/qos-specs":                                       {body: `{"qos_specs":{"name":"x"}}`},
	"volume PUT /v3/qos-specs/{id}":                                   {body: `{"qos_specs":{"a":"b"}}`},
	"volume PUT /v3/qos-specs/{id}/delete_keys":                       {body: `{"keys":["k"]}`},
	"volume GET /v3/qos-specs/{id}/associate":                         {query: "?vol_type_id={volume:types.id}"},
	"volume GET /v3/qos-specs/{id}/disassociate":                      {query: "?vol_type_id={volume:types.id}"},
	"volume POST /v3/group_types":                                     {body: `{"group_type":{"name":"x"}}`},
	"volume PUT /v3/group_types/{id}":                                 {body: `{"group_type":{"name":"x"}}`},
	"volume POST /v3/group_types/{id}/group_specs":                    {body: `{"group_specs":{"a":"b"}}`},
	"volume PUT /v3/group_types/{id}/group_specs/{key}":               {body: `{"k":"w"}`},
	"volume PUT /v3/default-types/{id}":                               {body: `{"default_type":{"volume_type":"{volume:default}"}}`},
	"volume PUT /v3/os-quota-sets/{id}":                               {body: `{"quota_set":{"volumes":20}}`},
	"volume PUT /v3/os-quota-class-sets/{id}":                         {body: `{"quota_class_set":{"volumes":20}}`},
	"volume PUT /v3/os-services/enable":                               {body: `{"host":"stackd@files","binary":"cinder-volume"}`},
	"volume PUT /v3/os-services/disable":                              {body: `{"host":"stackd@files","binary":"cinder-volume"}`},
	"volume PUT /v3/os-services/disable-log-reason":                   {body: `{"host":"stackd@files","binary":"cinder-volume","disabled_reason":"x"}`},
	"volume PUT /v3/os-services/freeze":                               {body: `{"host":"stackd@files"}`},
	"volume PUT /v3/os-services/thaw":                                 {body: `{"host":"stackd@files"}`},
	"volume PUT /v3/os-services/failover_host":                        {body: `{"host":"stackd@files"}`},
	"volume PUT /v3/os-services/failover":                             {body: `{"host":"stackd@files"}`},
	"volume POST /v3/workers/cleanup":                                 {body: `{}`},
	"volume GET /v3/manageable_volumes":                               {query: "?host=stackd@files"},
	"volume GET /v3/manageable_volumes/detail":                        {query: "?host=stackd@files"},
	"volume GET /v3/manageable_snapshots":                             {query: "?host=stackd@files"},
	"volume GET /v3/manageable_snapshots/detail":                      {query: "?host=stackd@files"},
	"volume GET /v3/os-volume-manage":                                 {query: "?host=stackd@files"},
	"volume GET /v3/os-volume-manage/detail":                          {query: "?host=stackd@files"},
	"volume GET /v3/os-snapshot-manage":                               {query: "?host=stackd@files"},
	"volume GET /v3/os-snapshot-manage/detail":                        {query: "?host=stackd@files"},
	"volume POST /v3/backups":                                         {body: `{"backup":{"volume_id":"{volume:volumes.id}","force":true}}`},
	"volume PUT /v3/backups/{id}":                                     {body: `{"backup":{"name":"x"}}`},
	"volume POST /v3/backups/{id}/action os-reset_status":             {body: `{"os-reset_status":{"status":"error"}}`},
	"volume POST /v3/backups/{id}/restore":                            {body: `{"restore":{}}`},
	"volume POST /v3/group_snapshots/{id}/action reset_status":        {body: `{"reset_status":{"status":"error"}}`},
	"volume POST /v3/groups/{id}/action reset_status":                 {body: `{"reset_status":{"status":"error"}}`},
	"volume POST /v3/snapshots/{id}/action os-update_snapshot_status": {body: `{"os-update_snapshot_status":{"status":"error"}}`},
	"volume POST /v3/volumes/{id}/action os-unset_image_metadata":     {body: `{"os-unset_image_metadata":{"key":"k"}}`},
}

func init() {
	maps.Copy(bodies, blockBodies)
	maps.Copy(apart, map[string]string{
		"volume POST /v3/groups/action":                     "a group is copied within its project alone",
		"volume POST /v3/consistencygroups/create_from_src": "a group is copied within its project alone",
		"volume GET /v3/clusters/{id}":                      "there are no clusters",
	})
	makings = append(makings, blockMakings...)
}

// blocks makes the rows that only block storage's own work makes.
func (w *world) blocks() {
	s := w.c.Storage
	s.Kept(cindertest.NewVault())
	var backups, messages [2]string
	err := s.Tx(w.t.Context(), func(ctx context.Context) error {
		for side, p := range w.project {
			backups[side], messages[side] = []string{"b0000000-0000-0000-0000-000000000001", "b0000000-0000-0000-0000-000000000002"}[side], []string{"c0000000-0000-0000-0000-000000000001", "c0000000-0000-0000-0000-000000000002"}[side]
			now := s.Now()
			b := &cinder.Backup{ID: backups[side], ProjectID: p, UserID: w.user[side], Place: backups[side], VolumeID: w.things["volume:volumes.id"][side], Status: cinder.Available, Size: 1, Zone: cinder.Zone, Metadata: map[string]string{}, DataAt: now, CreatedAt: now}
			m := &cinder.Message{ID: messages[side], ProjectID: p, Level: "ERROR", ResourceType: "VOLUME", CreatedAt: now, ExpiresAt: now.AddDate(1, 0, 0)}
			if err := s.InsertBackup(ctx, b); err != nil {
				return err
			}
			if err := s.InsertMessage(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.things["volume:backups.id"], w.things["volume:messages.id"] = backups, messages
}
