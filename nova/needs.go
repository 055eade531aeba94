package nova

import (
	"context"
	"io"

	"stackd/agent/wish"
)

// ImageFacts are what a server keeps of its image.
type ImageFacts struct {
	ID         string            `json:"id,omitempty"`
	Name       string            `json:"name,omitempty"`
	Status     string            `json:"status,omitempty"`
	Format     string            `json:"format,omitempty"`
	Size       int64             `json:"size,omitempty"`
	SHA512     string            `json:"sha512,omitempty"`
	MinDisk    int               `json:"min_disk,omitempty"`
	MinRAM     int               `json:"min_ram,omitempty"`
	Virtual    int64             `json:"virtual,omitempty"` // bytes
	Properties map[string]string `json:"properties,omitempty"`
}

// Images is what compute asks of the image service.
type Images interface {
	// Image is one that the caller in ctx may see; NotFound otherwise.
	Image(ctx context.Context, id string) (ImageFacts, error)
	// Create makes an image without bytes yet, in the transaction of ctx.
	Create(ctx context.Context, i ImageSpec) (id string, err error)
	// Filled tells whether it has its bytes; Fill gives it all of them, or none. Both are
	// a converge.Later while somebody else, who may have died, is at it.
	Filled(ctx context.Context, id string) (bool, error)
	Fill(ctx context.Context, id string, body io.Reader) error
	Drop(ctx context.Context, id string) error
	// Backups are the images of a server that are backups of a type, the latest first.
	Backups(ctx context.Context, server, kind string) ([]string, error)
}

// A NetworkRequest is one NIC asked for.
type NetworkRequest struct {
	NetworkID string `json:"uuid,omitempty"`
	PortID    string `json:"port,omitempty"`
	FixedIP   string `json:"fixed_ip,omitempty"`
	Tag       string `json:"tag,omitempty"`
}

// NICs is what a server asks of the network service as a whole.
type NICs struct {
	ServerID, ProjectID, Hostname, AZ, Host string
	Requests                                []NetworkRequest
	Auto                                    bool // the project's only network, if it has one
	SecurityGroups                          []string
}

// A NIC is one plugged port.
type NIC struct {
	PortID, NetworkID, NetworkName string
	MAC, Status, Tag               string
	MTU                            int
	Fixed                          []FixedIP
	SecurityGroups                 []Ref
}

// A FixedIP is an address of a NIC, and what the guest is told of its subnet.
type FixedIP struct {
	SubnetID, IP, CIDR, Gateway string
	DNS                         []string
	Routes                      []Route
	DHCP                        bool
	Floating                    []string
}

// A Route is a subnet's host route.
type Route struct{ Destination, NextHop string }

// A Ref names a thing by id and name.
type Ref struct{ ID, Name string }

// Networks is what compute asks of the network service. All join the
// transaction in ctx.
type Networks interface {
	// Check says, before anything is made, whether the requests can be met for count servers.
	Check(ctx context.Context, n NICs, count int) error
	// Allocate makes or takes the ports of a server that has none yet, and binds them to its host.
	Allocate(ctx context.Context, n NICs) error
	// Bind binds the ports that the server has to host.
	Bind(ctx context.Context, serverID, host string) error
	// Await has the server's ports reach a second host as well, which its guest comes to; ""
	// ends that. So does Bind.
	Await(ctx context.Context, serverID, host string) error
	// Release deletes the ports made for the server and lets go of the others.
	Release(ctx context.Context, serverID string) error
	// Of is the NICs of servers, in the order of their making.
	Of(ctx context.Context, serverIDs ...string) (map[string][]NIC, error)
	// Attach adds one NIC; Detach takes one away (port NotFound if it is not the server's).
	Attach(ctx context.Context, n NICs) (NIC, error)
	Detach(ctx context.Context, serverID, portID string) error
	// Metadata is the localports of networks.
	Metadata(ctx context.Context, networkIDs []string) ([]wish.Network, error)
	// AddGroup and RemoveGroup change the security groups of all of a server's ports.
	AddGroup(ctx context.Context, serverID, projectID, group string) error
	RemoveGroup(ctx context.Context, serverID, projectID, group string) error
	// WithAddress finds the servers that have an address beginning so.
	WithAddress(ctx context.Context, prefix string, v6 bool) ([]string, error)
}

// A Demand is what a server takes of a host.
type Demand struct {
	Consumer, ProjectID, UserID string
	Resources                   map[string]int64 // VCPU, MEMORY_MB, DISK_GB …
	Required, Forbidden         []string         // traits
	// Migration: the consumer is a migration, which holds what its server may go back to.
	Migration bool
}

// A Share is a demand on one provider; on "" its consumer is to have nothing.
type Share struct {
	Demand
	Provider string
}

// Placing is what compute asks of placement. All join the transaction in ctx.
type Placing interface {
	// Hosts are the providers that can take the demand now; with among, of these alone.
	Hosts(ctx context.Context, d Demand, among ...string) ([]string, error)
	// View is all providers as they are now, to choose by for a moment.
	View(ctx context.Context) (PlacingView, error)
	// Claim allocates the demand on provider; Conflict when it does not fit any more.
	Claim(ctx context.Context, d Demand, provider string) error
	// Spread gives each consumer its share in place of all that it had; what one lets go
	// another may have. Conflict when one does not fit: then all is as it was.
	Spread(ctx context.Context, shares ...Share) error
	Release(ctx context.Context, consumer string) error
	// Provide makes or updates a host's provider and inventory.
	Provide(ctx context.Context, id, name string, inventory map[string]Inventory) error
	// Withdraw takes a host's provider away; Conflict while something is allocated of it.
	Withdraw(ctx context.Context, id string) error
	// Used is what is allocated of each provider.
	Used(ctx context.Context) (map[string]map[string]int64, error)
}

// PlacingView is what Placing said a moment ago, and what was Took since.
type PlacingView interface {
	Hosts(d Demand) []string
	Used(provider, class string) int64
	Took(provider string, resources map[string]int64)
}

// Inventory is how much of a resource a host has.
type Inventory struct {
	Total, Reserved int64
	Ratio           float64
}

// Nodes finds the live side of a host: what a user waits for.
type Nodes interface {
	Live(host string) (wish.Live, error)
}
