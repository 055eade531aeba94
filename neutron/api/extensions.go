package api

import (
	"stackd/internal/fault"
	"stackd/internal/rest"
)

type extensionView struct {
	Name        string   `wire:"name"`
	Alias       string   `wire:"alias"`
	Description string   `wire:"description"`
	Updated     string   `wire:"updated"`
	Links       []string `wire:"links"`
}

// extensions are what is there, and nothing else.
var extensions = []extensionView{
	{Alias: "address-scope", Name: "Address scope", Updated: "2015-07-26T10:00:00-00:00",
		Description: "Address scopes extension."},
	{Alias: "agent", Name: "agent", Updated: "2013-02-03T10:00:00-00:00",
		Description: "The agent management extension."},
	{Alias: "allowed-address-pairs", Name: "Allowed Address Pairs", Updated: "2013-07-23T10:00:00-00:00",
		Description: "Provides allowed address pairs"},
	{Alias: "availability_zone", Name: "Availability Zone", Updated: "2015-01-01T10:00:00-00:00",
		Description: "The availability zone extension."},
	{Alias: "binding", Name: "Port Binding", Updated: "2014-02-03T10:00:00-00:00",
		Description: "Expose port bindings of a virtual port to external application"},
	{Alias: "default-subnetpools", Name: "Default Subnetpools", Updated: "2016-02-18T18:00:00-00:00",
		Description: "Provides ability to mark and use a subnetpool as the default."},
	{Alias: "dns-domain-ports", Name: "dns_domain for ports", Updated: "2017-06-25T18:00:00-00:00",
		Description: "Allows the DNS domain to be specified for a network port."},
	{Alias: "dns-integration", Name: "DNS Integration", Updated: "2015-08-15T18:00:00-00:00",
		Description: "Provides integration with DNS."},
	{Alias: "empty-string-filtering", Name: "Empty String Filtering Extension", Updated: "2018-05-01T10:00:00-00:00",
		Description: "Allow filtering by attributes with empty string value"},
	{Alias: "ext-gw-mode", Name: "Neutron L3 Configurable external gateway mode", Updated: "2013-03-28T10:00:00-00:00",
		Description: "Extension of the router abstraction for specifying whether SNAT should occur on the external gateway"},
	{Alias: "external-net", Name: "Neutron external network", Updated: "2013-01-14T10:00:00-00:00",
		Description: "Adds external network attribute to network resource."},
	{Alias: "extra_dhcp_opt", Name: "Neutron Extra DHCP options", Updated: "2013-03-17T12:00:00-00:00",
		Description: "Extra options configuration for DHCP. For example PXE boot options to DHCP clients can be specified (e.g. tftp-server, server-ip-address, bootfile-name)"},
	{Alias: "extraroute", Name: "Neutron Extra Route", Updated: "2013-02-01T10:00:00-00:00",
		Description: "Extra routes configuration for L3 router"},
	{Alias: "extraroute-atomic", Name: "Atomically add/remove extra routes", Updated: "2019-07-10T00:00:00+00:00",
		Description: "Edit extra routes of a router on server side by atomically adding/removing extra routes"},
	{Alias: "filter-validation", Name: "Filter parameters validation", Updated: "2018-07-04T10:00:00-00:00",
		Description: "Provides validation on filter parameters."},
	{Alias: "fip-port-details", Name: "Floating IP Port Details Extension", Updated: "2018-04-09T10:00:00-00:00",
		Description: "Add port_details attribute to Floating IP resource"},
	{Alias: "ip-substring-filtering", Name: "IP address substring filtering", Updated: "2017-11-28T09:00:00-00:00",
		Description: "Provides IP address substring filtering when listing ports"},
	{Alias: "floatingip-pools", Name: "Floating IP Pools Extension", Updated: "2018-03-21T10:00:00-00:00",
		Description: "Provides a floating IP pools API."},
	{Alias: "network-ip-availability", Name: "Network IP Availability", Updated: "2015-09-24T00:00:00-00:00",
		Description: "Provides IP availability data for each network and subnet."},
	{Alias: "net-mtu", Name: "Network MTU", Updated: "2015-03-25T10:00:00-00:00",
		Description: "Provides MTU attribute for a network resource."},
	{Alias: "net-mtu-writable", Name: "Network MTU (writable)", Updated: "2017-07-12T00:00:00-00:00",
		Description: "Provides a writable MTU attribute for a network resource."},
	{Alias: "network_availability_zone", Name: "Network Availability Zone", Updated: "2015-01-01T10:00:00-00:00",
		Description: "Availability zone support for network."},
	{Alias: "pagination", Name: "Pagination support", Updated: "2016-06-12T00:00:00-00:00",
		Description: "Extension that indicates that pagination is enabled."},
	{Alias: "port-security", Name: "Port Security", Updated: "2012-07-23T10:00:00-00:00",
		Description: "Provides port security"},
	{Alias: "port-security-groups-filtering", Name: "Port filtering on security groups", Updated: "2018-01-09T09:00:00-00:00",
		Description: "Provides security groups filtering when listing ports"},
	{Alias: "project-id", Name: "project_id field enabled", Updated: "2016-09-09T09:09:09-09:09",
		Description: "Extension that indicates that project_id field is enabled."},
	{Alias: "provider", Name: "Provider Network", Updated: "2012-09-07T10:00:00-00:00",
		Description: "Expose mapping of virtual networks to physical networks"},
	{Alias: "quota-check-limit", Name: "Quota engine limit check", Updated: "2021-09-08T16:00:00-00:00",
		Description: "Support for checking the resource usage before applying a new quota limit"},
	{Alias: "quota_details", Name: "Quota details management support", Updated: "2017-02-10T10:00:00-00:00",
		Description: "Expose functions for quotas usage statistics per project"},
	{Alias: "quotas", Name: "Quota management support", Updated: "2012-07-29T10:00:00-00:00",
		Description: "Expose functions for quotas management per project"},
	{Alias: "rbac-address-scope", Name: "Add address_scope type to RBAC", Updated: "2020-02-12T00:00:00-00:00",
		Description: "Add address_scope type to RBAC"},
	{Alias: "rbac-policies", Name: "RBAC Policies", Updated: "2015-06-17T12:15:12-00:00",
		Description: "Allows creation and modification of policies that control tenant access to resources."},
	{Alias: "rbac-security-groups", Name: "Add security_group type to network RBAC", Updated: "2019-02-14T00:00:00-00:00",
		Description: "Add security_group type to network RBAC"},
	{Alias: "rbac-subnetpool", Name: "Add subnetpool type to RBAC", Updated: "2020-02-05T00:00:00-00:00",
		Description: "Add subnetpool type to RBAC"},
	{Alias: "revision-if-match", Name: "If-Match constraints based on revision_number", Updated: "2016-12-11T00:00:00-00:00",
		Description: "Extension indicating that If-Match based on revision_number is supported."},
	{Alias: "router", Name: "Neutron L3 Router", Updated: "2012-07-20T10:00:00-00:00",
		Description: "Router abstraction for basic L3 forwarding between L2 Neutron networks and access to external networks via a NAT gateway."},
	{Alias: "router_availability_zone", Name: "Router Availability Zone", Updated: "2015-01-01T10:00:00-00:00",
		Description: "Availability zone support for router."},
	{Alias: "security-group", Name: "security-group", Updated: "2012-10-05T10:00:00-00:00",
		Description: "The security groups extension."},
	{Alias: "security-groups-normalized-cidr", Name: "Normalized CIDR field for security group rules", Updated: "2020-07-28T10:00:00-00:00",
		Description: "Add new field with normalized remote_ip_prefix cidr in SG rule"},
	{Alias: "security-groups-shared-filtering", Name: "Security group filtering on the shared field", Updated: "2021-10-05T09:00:00-00:00",
		Description: "Support filtering security groups on the shared field"},
	{Alias: "sorting", Name: "Sorting support", Updated: "2016-06-12T00:00:00-00:00",
		Description: "Extension that indicates that sorting is enabled."},
	{Alias: "standard-attr-description", Name: "standard-attr-description", Updated: "2016-02-10T10:00:00-00:00",
		Description: "Extension to add descriptions to standard attributes"},
	{Alias: "standard-attr-revisions", Name: "Resource revision numbers", Updated: "2016-04-11T10:00:00-00:00",
		Description: "This extension will display the revision number of neutron resources."},
	{Alias: "standard-attr-tag", Name: "Tag support for resources with standard attribute: port, subnet, subnetpool, network, security_group, router, floatingip, policy, trunk, network_segment_range", Updated: "2017-01-01T00:00:00-00:00",
		Description: "Enables to set tag on resources with standard attribute."},
	{Alias: "standard-attr-timestamp", Name: "Resource timestamps", Updated: "2016-09-12T10:00:00-00:00",
		Description: "Adds created_at and updated_at fields to all Neutron resources that have Neutron standard attributes."},
	{Alias: "stateful-security-group", Name: "Stateful security group", Updated: "2019-11-26T09:00:00-00:00",
		Description: "Indicates if the security group is stateful or not"},
	{Alias: "subnet-service-types", Name: "Subnet service types", Updated: "2016-03-15T18:00:00-00:00",
		Description: "Provides ability to set the subnet service_types field"},
	{Alias: "subnet_allocation", Name: "Subnet Allocation", Updated: "2015-03-30T10:00:00-00:00",
		Description: "Enables allocation of subnets from a subnet pool"},
	{Alias: "subnetpool-prefix-ops", Name: "Subnet Pool Prefix Operations", Updated: "2019-02-08T10:00:00-00:00",
		Description: "Provides support for adjusting the prefix list of subnet pools"},
}

func (a *API) extensionRoutes() []rest.Route {
	return []rest.Route{
		{On: "GET /v2.0/extensions", Asks: "for a token only", Do: rest.Do(func(*rest.Call, none) (any, error) {
			return map[string]any{"extensions": extensions}, nil
		})},
		{On: "GET /v2.0/extensions/{id}", Asks: "for a token only", Do: rest.Do(func(_ *rest.Call, in item) (any, error) {
			for _, e := range extensions {
				if e.Alias == in.ID {
					return map[string]any{"extension": e}, nil
				}
			}
			return nil, fault.New(fault.NotFound, "Extension with alias %s does not exist", in.ID).Named("HTTPNotFound")
		})},
	}
}
