package nova

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/token"
	"stackd/internal/turn"

	"github.com/google/uuid"
)

// ServerSpec is what a create asks for.
type ServerSpec struct {
	Name, FlavorID, ImageID string
	Hostname                string
	Description             *string
	KeyName, UserData       string
	Metadata                map[string]string
	Tags                    []string
	AccessIPv4, AccessIPv6  string
	DiskConfig              string
	ConfigDrive             bool
	Min, Max                int
	AdminPassword           string
	Asked                   Asked
	// ZeroDisk allows a flavor without a disk.
	ZeroDisk bool
	Devices  []BlockDevice
}

// CreateServers makes between Min and Max servers, as many as the quota allows.
func (c *Compute) CreateServers(ctx context.Context, spec ServerSpec) ([]*Server, error) {
	first, err := c.draft(ctx, spec)
	if err != nil {
		return nil, err
	}
	var out []*Server
	err = c.Tx(turn.Of(ctx, "servers"), func(ctx context.Context) error { // they count what there is
		out = nil
		n, err := c.fits(ctx, first, spec)
		if err != nil {
			return err
		}
		if err := c.Networks.Check(ctx, nicsOf(first), n); err != nil {
			return err
		}
		for i := range n {
			s, err := c.insert(ctx, *first, i, n, spec)
			if err != nil {
				return err
			}
			out = append(out, s)
		}
		c.nudge(ctx, first)
		return nil
	})
	return out, err
}

func (c *Compute) insert(ctx context.Context, s Server, i, n int, spec ServerSpec) (*Server, error) {
	s.ID, s.LaunchIndex = uuid.NewString(), i
	if n > 1 {
		s.Name = fmt.Sprintf("%s-%d", s.Name, i+1)
		s.Hostname = hostname(s.Name, s.ID)
	}
	if spec.Hostname != "" {
		s.Hostname = spec.Hostname
	} else if n == 1 {
		s.Hostname = hostname(s.Name, s.ID)
	}
	if err := c.act(ctx, &s, "create", "compute__do_build_and_run_instance"); err != nil {
		return nil, err
	}
	if err := c.InsertServer(ctx, &s); err != nil {
		return nil, err
	}
	if err := c.hold(ctx, &s); err != nil {
		return nil, err
	}
	if s.Asked.GroupID != "" {
		return &s, c.JoinGroup(ctx, GroupMember{s.Asked.GroupID, s.ID})
	}
	return &s, nil
}

// draft checks what was asked and makes the row that all servers begin with.
func (c *Compute) draft(ctx context.Context, spec ServerSpec) (*Server, error) {
	who := token.From(ctx)
	now := c.Now()
	s := &Server{ProjectID: who.Project.ID, UserID: who.User.ID, Name: spec.Name, Description: spec.Description, UserData: spec.UserData,
		Metadata: spec.Metadata, Tags: spec.Tags, AccessIPv4: spec.AccessIPv4, AccessIPv6: spec.AccessIPv6, DiskConfig: spec.DiskConfig,
		ConfigDrive: spec.ConfigDrive, ReservationID: reservation(), Asked: spec.Asked, AdminPassword: spec.AdminPassword, KeyName: spec.KeyName,
		Goal: GoalLive, Wanted: wish.Running, Generation: 1, VMState: Building, TaskState: Scheduling, DueAt: now, CreatedAt: now, UpdatedAt: now}
	for _, check := range []func(context.Context, *Server, ServerSpec) error{c.draftFlavor, c.draftImage, c.draftDevices, c.draftDisk, c.draftKey, c.draftPlace} {
		if err := check(ctx, s, spec); err != nil {
			return nil, err
		}
	}
	if most := c.limit(ctx, s.ProjectID, "metadata_items"); most >= 0 && len(s.Metadata) > most {
		return nil, fault.New(fault.OverQuota, "Maximum number of metadata items exceeds %d", most)
	}
	return s, nil
}

func (c *Compute) draftFlavor(ctx context.Context, s *Server, spec ServerSpec) error {
	f, err := c.SeenFlavor(ctx, spec.FlavorID)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "Flavor %s could not be found.", spec.FlavorID)
	}
	if err != nil {
		return err
	}
	s.Flavor = f.Snapshot()
	return nil
}

// draftDisk refuses a root disk of no size to those who may not have one.
func (c *Compute) draftDisk(_ context.Context, s *Server, spec ServerSpec) error {
	if s.Flavor.Disk == 0 && s.ImageID != "" && !spec.ZeroDisk {
		return fault.New(fault.Forbidden, "Only volume-backed servers are allowed for flavors with zero disk.")
	}
	return nil
}

func (c *Compute) draftImage(ctx context.Context, s *Server, spec ServerSpec) error {
	if spec.ImageID == "" { // boots from a volume, or is refused by draftDevices
		return nil
	}
	i, err := c.Images.Image(ctx, spec.ImageID)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "Can not find requested image")
	}
	if err != nil {
		return err
	}
	s.ImageID, s.Image = i.ID, i
	devices, err := devicesOf(i, spec.Devices)
	if err != nil {
		return err
	}
	if len(devices) > 0 { // an image of a server whose disks are volumes
		s.ImageID = ""
		s.Asked.Devices = devices
	}
	return fitsImage(s.Flavor, i)
}

func fitsImage(f FlavorSnapshot, i ImageFacts) error {
	const gib = 1 << 30
	switch {
	case i.Status != "active":
		return fault.New(fault.Invalid, "Image %s is not active.", i.ID)
	case f.RAM < i.MinRAM:
		return fault.New(fault.Invalid, "Flavor's memory is too small for requested image.")
	case f.Disk > 0 && i.Virtual > int64(f.Disk)*gib:
		return fault.New(fault.Invalid, "Flavor's disk is too small for requested image. Flavor disk is %d bytes, image is %d bytes.", int64(f.Disk)*gib, i.Virtual)
	case f.Disk > 0 && f.Disk < i.MinDisk:
		return fault.New(fault.Invalid, "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is %d bytes, minimum size is %d bytes.", int64(f.Disk)*gib, int64(i.MinDisk)*gib)
	}
	return nil
}

func (c *Compute) draftKey(ctx context.Context, s *Server, spec ServerSpec) error {
	if spec.KeyName == "" {
		return nil
	}
	k, err := c.Keypair(ctx, s.UserID, spec.KeyName)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "Invalid key_name provided.")
	}
	if err == nil {
		s.KeyData = k.PublicKey
	}
	return err
}

// draftPlace checks zone and group, which the scheduler then keeps to.
func (c *Compute) draftPlace(ctx context.Context, s *Server, spec ServerSpec) error {
	if g := spec.Asked.GroupID; g != "" {
		group, err := c.Group(ctx, g)
		if err != nil || group.ProjectID != s.ProjectID {
			return fault.New(fault.Invalid, "Instance group %s could not be found.", g)
		}
	}
	if spec.Asked.AZ == "" {
		return nil
	}
	zones, err := c.Zones(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(zones, func(z Zone) bool { return z.Name == spec.Asked.AZ }) {
		return fault.New(fault.Invalid, "The requested availability zone is not available")
	}
	return nil
}

// fits is how many of the servers asked for the quota allows; at least Min, or it is a fault.
func (c *Compute) fits(ctx context.Context, s *Server, spec ServerSpec) (int, error) {
	u, err := c.Usage(ctx, s.ProjectID)
	if err != nil {
		return 0, err
	}
	limits, err := c.Limits(ctx, s.ProjectID)
	if err != nil {
		return 0, err
	}
	n := spec.Max
	takes := map[string][2]int{"instances": {1, u.Instances}, "cores": {s.Flavor.VCPUs, u.Cores}, "ram": {s.Flavor.RAM, u.RAM}}
	for _, name := range slices.Sorted(maps.Keys(takes)) {
		each, used, limit := takes[name][0], takes[name][1], limits[name]
		for n >= spec.Min && limit >= 0 && used+n*each > limit {
			n--
		}
		if n < spec.Min {
			return 0, fault.New(fault.OverQuota, "Quota exceeded for %s: Requested %d, but already used %d of %d %s", name, each*spec.Max, used, limit, name)
		}
	}
	return n, nil
}

func nicsOf(s *Server) NICs {
	return NICs{ServerID: s.ID, ProjectID: s.ProjectID, Hostname: s.Hostname, Host: s.Host, AZ: s.Asked.AZ,
		Requests: s.Asked.Networks, Auto: s.Asked.Auto && !s.Asked.NoNetwork, SecurityGroups: s.Asked.SecurityGroups}
}

// NICsOf is what a server asks of the network service.
func (c *Compute) NICsOf(s *Server) NICs { return nicsOf(s) }

var notHost = regexp.MustCompile(`[^a-z0-9.-]+`)

// hostname makes a name that DNS takes of a server's name, as nova does.
func hostname(name, id string) string {
	h := strings.Trim(notHost.ReplaceAllString(strings.ReplaceAll(strings.ToLower(name), "_", "-"), ""), "-.")
	h = strings.ReplaceAll(h, ".", "-")
	if len(h) > 63 {
		h = strings.TrimRight(h[:63], "-")
	}
	if h == "" {
		return "server-" + id
	}
	return h
}

func reservation() string { return "r-" + strings.ToLower(rand.Text()[:8]) }
