package api

import (
	"stackd/internal/fault"
	"stackd/internal/rest"
)

// An extension is a part of the API that once could be left out.
type extension struct {
	Name    string   `wire:"name"`
	Alias   string   `wire:"alias"`
	Text    string   `wire:"description"`
	Updated string   `wire:"updated"`
	Links   []string `wire:"links"`
}

var extensions = []extension{
	{"VolumeImageMetadata", "os-vol-image-meta", "Show image metadata associated with the volume.", "2012-12-07T00:00:00+00:00", []string{}},
	{"VolumeUnmanage", "os-volume-unmanage", "Enable volume unmanage operation.", "2012-05-31T00:00:00+00:00", []string{}},
	{"UsedLimits", "os-used-limits", "Provide data on limited resources that are being used.", "2013-10-03T00:00:00+00:00", []string{}},
	{"AdminActions", "os-admin-actions", "Enable admin actions.", "2012-08-25T00:00:00+00:00", []string{}},
	{"Cgsnapshots", "cgsnapshots", "cgsnapshots support.", "2014-08-18T00:00:00+00:00", []string{}},
	{"TypesExtraSpecs", "os-types-extra-specs", "Type extra specs support.", "2011-08-24T00:00:00+00:00", []string{}},
	{"SnapshotUnmanage", "os-snapshot-unmanage", "Enable volume unmanage operation.", "2014-12-31T00:00:00+00:00", []string{}},
	{"VolumeTypeEncryption", "encryption", "Encryption support for volume types.", "2013-07-01T00:00:00+00:00", []string{}},
	{"VolumeEncryptionMetadata", "os-volume-encryption-metadata", "Volume encryption metadata retrieval support.", "2013-07-10T00:00:00+00:00", []string{}},
	{"Consistencygroups", "consistencygroups", "consistency groups support.", "2014-08-18T00:00:00+00:00", []string{}},
	{"SnapshotActions", "os-snapshot-actions", "Enable snapshot manager actions.", "2013-07-16T00:00:00+00:00", []string{}},
	{"Backups", "backups", "Backups support.", "2012-12-12T00:00:00+00:00", []string{}},
	{"Quotas", "os-quota-sets", "Quota management support.", "2011-08-08T00:00:00+00:00", []string{}},
	{"VolumeActions", "os-volume-actions", "Enable volume actions.", "2012-05-31T00:00:00+00:00", []string{}},
	{"QuotaClasses", "os-quota-class-sets", "Quota classes management support.", "2012-03-12T00:00:00+00:00", []string{}},
	{"AvailabilityZones", "os-availability-zone", "Describe Availability Zones.", "2013-06-27T00:00:00+00:00", []string{}},
	{"VolumeTypeAccess", "os-volume-type-access", "Volume type access support.", "2014-06-26T00:00:00Z", []string{}},
	{"Services", "os-services", "Services support.", "2012-10-28T00:00:00-00:00", []string{}},
	{"Hosts", "os-hosts", "Admin-only host administration.", "2011-06-29T00:00:00+00:00", []string{}},
	{"TypesManage", "os-types-manage", "Types manage support.", "2011-08-24T00:00:00+00:00", []string{}},
	{"ExtendedSnapshotAttributes", "os-extended-snapshot-attributes", "Extended SnapshotAttributes support.", "2012-06-19T00:00:00+00:00", []string{}},
	{"SnapshotManage", "os-snapshot-manage", "Allows existing backend storage to be 'managed' by Cinder.", "2014-12-31T00:00:00+00:00", []string{}},
	{"Qos_specs_manage", "qos-specs", "QoS specs support.", "2013-08-02T00:00:00+00:00", []string{}},
	{"VolumeHostAttribute", "os-vol-host-attr", "Expose host as an attribute of a volume.", "2011-11-03T00:00:00+00:00", []string{}},
	{"Scheduler_stats", "scheduler-stats", "Scheduler stats support.", "2014-09-07T00:00:00+00:00", []string{}},
	{"VolumeManage", "os-volume-manage", "Allows existing backend storage to be 'managed' by Cinder.", "2014-02-10T00:00:00+00:00", []string{}},
	{"VolumeMigStatusAttribute", "os-vol-mig-status-attr", "Expose migration_status as an attribute of a volume.", "2013-08-08T00:00:00+00:00", []string{}},
	{"VolumeTransfer", "os-volume-transfer", "Volume transfer management support.", "2013-05-29T00:00:00+00:00", []string{}},
	{"VolumeTenantAttribute", "os-vol-tenant-attr", "Expose the internal project_id as an attribute of a volume.", "2011-11-03T00:00:00+00:00", []string{}},
	{"SchedulerHints", "OS-SCH-HNT", "Pass arbitrary key/value pairs to the scheduler.", "2013-04-18T00:00:00+00:00", []string{}},
	{"ExtendedServices", "os-extended-services", "Extended services support.", "2014-01-10T00:00:00-00:00", []string{}},
	{"Capabilities", "capabilities", "Capabilities support.", "2015-08-31T00:00:00+00:00", []string{}},
}

func (s *service) extensions(*rest.Call, struct{}) (any, error) {
	return map[string]any{"extensions": extensions}, nil
}

func (s *service) extension(_ *rest.Call, in byID) (any, error) {
	for _, e := range extensions {
		if e.Alias == in.ID {
			return map[string]any{"extension": e}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "The resource could not be found.")
}
