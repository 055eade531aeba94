package api

import (
	"stackd/internal/fault"
	"stackd/internal/rest"
)

type versionView struct {
	ID         string      `wire:"id"`
	Status     string      `wire:"status"`
	Version    string      `wire:"version"`
	MinVersion string      `wire:"min_version"`
	Updated    string      `wire:"updated"`
	Links      []link      `wire:"links"`
	MediaTypes []mediaType `wire:"media-types,,omitempty"`
}

type mediaType struct {
	Base string `wire:"base"`
	Type string `wire:"type"`
}

func (s *service) versions() []rest.Route {
	return []rest.Route{
		{On: "GET /", Open: true, Do: rest.Do(s.listVersions)},
		{On: "GET /v2.1", Open: true, Do: rest.Do(s.showVersion)},
		{On: "GET /v2", Open: true, Do: rest.Do(s.showOld)},
		{On: "GET /v2.1/extensions", Rule: "os_compute_api:extensions", Do: rest.Do(s.listExtensions)},
		{On: "GET /v2.1/extensions/{id}", Rule: "os_compute_api:extensions", Do: rest.Do(s.showExtension)},
	}
}

func (s *service) current(c *rest.Call) versionView {
	return versionView{ID: "v2.1", Status: "CURRENT", Version: Versions.Max.String(), MinVersion: Versions.Min.String(), Updated: "2013-07-23T11:33:21Z",
		Links: []link{{Rel: "self", Href: c.Base() + "/v2.1/"}}}
}

func (s *service) listVersions(c *rest.Call, _ struct{}) (map[string][]versionView, error) {
	return map[string][]versionView{"versions": {old(c), s.current(c)}}, nil
}

// old is the API before microversions, which is served as 2.1.
func old(c *rest.Call) versionView {
	return versionView{ID: "v2.0", Status: "SUPPORTED", Updated: "2011-01-21T11:33:21Z", Links: []link{{Rel: "self", Href: c.Base() + "/v2/"}}}
}

// detailed adds what a version's own document has.
func detailed(v versionView) map[string]versionView {
	v.Links = append(v.Links, link{Rel: "describedby", Href: "http://docs.openstack.org/", Type: "text/html"})
	v.MediaTypes = []mediaType{{"application/json", "application/vnd.openstack.compute+json;version=2.1"}}
	return map[string]versionView{"version": v}
}

func (s *service) showOld(c *rest.Call, _ struct{}) (map[string]versionView, error) {
	return detailed(old(c)), nil
}

func (s *service) showVersion(c *rest.Call, _ struct{}) (map[string]versionView, error) {
	return detailed(s.current(c)), nil
}

type extension struct {
	Alias       string `wire:"alias"`
	Description string `wire:"description"`
	Links       []link `wire:"links"`
	Name        string `wire:"name"`
	Namespace   string `wire:"namespace"`
	Updated     string `wire:"updated"`
}

// extensions that old clients look for; what they stand for is part of the API.
var extensions = []extension{
	ext("OS-DCF", "DiskConfig", "Disk Management Extension."), ext("OS-EXT-AZ", "ExtendedAvailabilityZone", "Extended Availability Zone support."),
	ext("OS-EXT-IPS", "ExtendedIps", "Adds type parameter to the ip list."), ext("OS-EXT-IPS-MAC", "ExtendedIpsMac", "Adds mac address parameter to the ip list."),
	ext("OS-EXT-SRV-ATTR", "ExtendedServerAttributes", "Extended Server Attributes support."), ext("OS-EXT-STS", "ExtendedStatus", "Extended Status support."),
	ext("OS-FLV-DISABLED", "FlavorDisabled", "Support to show the disabled status of a flavor."), ext("OS-FLV-EXT-DATA", "FlavorExtraData", "Provide additional data for flavors."),
	ext("OS-SCH-HNT", "SchedulerHints", "Pass arbitrary key/value pairs to the scheduler."), ext("OS-SRV-USG", "ServerUsage", "Adds launched_at and terminated_at on Servers."),
	ext("os-aggregates", "Aggregates", "Admin-only aggregate administration."), ext("os-attach-interfaces", "AttachInterfaces", "Attach interface support."),
	ext("os-availability-zone", "AvailabilityZone", "1. Add availability_zone to the Create Server API."), ext("os-config-drive", "ConfigDrive", "Config Drive Extension."),
	ext("os-console-output", "ConsoleOutput", "Console log output support, with tailing ability."), ext("os-flavor-access", "FlavorAccess", "Flavor access support."),
	ext("os-flavor-extra-specs", "FlavorExtraSpecs", "Flavors extra specs support."), ext("os-flavor-manage", "FlavorManage", "Flavor create/delete API support."),
	ext("os-hypervisors", "Hypervisors", "Admin-only hypervisor administration."), ext("os-instance-actions", "InstanceActions", "View a log of actions and events taken on an instance."),
	ext("os-keypairs", "Keypairs", "Keypair Support."), ext("os-quota-sets", "Quotas", "Quotas management support."), ext("os-server-groups", "ServerGroups", "Server group support."),
	ext("os-admin-password", "AdminPassword", "Admin password management support."), ext("os-create-backup", "CreateBackup", "Create a backup of a server."),
	ext("os-extended-rescue-with-image", "ExtendedRescueWithImage", "Allow the user to specify the image to use for rescue."), ext("os-preserve-ephemeral-rebuild", "PreserveEphemeralOnRebuild", "Allow preservation of the ephemeral partition on rebuild."),
	ext("os-rescue", "Rescue", "Instance rescue mode."), ext("os-shelve", "Shelve", "Instance shelve mode."), ext("os-volume-attachment-update", "VolumeAttachmentUpdate", "Support for updating a volume attachment."),
	ext("os-services", "Services", "Services support."), ext("os-simple-tenant-usage", "SimpleTenantUsage", "Simple tenant usage extension."), ext("os-user-data", "UserData", "Add user_data to the Create Server API."),
}

func ext(alias, name, text string) extension {
	return extension{alias, text, nil, name, "http://docs.openstack.org/compute/ext/fake_xml", "2014-12-03T00:00:00Z"}
}

func (s *service) listExtensions(*rest.Call, struct{}) (map[string][]extension, error) {
	return map[string][]extension{"extensions": extensions}, nil
}

func (s *service) showExtension(_ *rest.Call, in byID) (map[string]extension, error) {
	for _, e := range extensions {
		if e.Alias == in.ID {
			return map[string]extension{"extension": e}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "The resource could not be found.")
}
