package nova

import "time"

// A Flavor is a size of servers.
type Flavor struct {
	ID          string `bun:"id,pk"`
	Name        string
	VCPUs       int `bun:"vcpus"`
	RAM         int `bun:"ram"` // MiB
	Disk        int // GiB; 0 is the image's size
	Ephemeral   int // GiB
	Swap        int // MiB
	RxtxFactor  float64
	Public      bool
	Disabled    bool
	Description *string
	ExtraSpecs  map[string]string
	CreatedAt   time.Time
	UpdatedAt   time.Time `bun:",nullzero"`
}

// Snapshot is what a server keeps of its flavor.
func (f Flavor) Snapshot() FlavorSnapshot {
	return FlavorSnapshot{ID: f.ID, Name: f.Name, VCPUs: f.VCPUs, RAM: f.RAM, Disk: f.Disk, Ephemeral: f.Ephemeral, Swap: f.Swap, ExtraSpecs: f.ExtraSpecs, Description: f.Description}
}

// A FlavorAccess lets a project use a flavor that is not public.
type FlavorAccess struct {
	FlavorID  string `bun:",pk"`
	ProjectID string `bun:",pk"`
}

// A Keypair is a user's public key.
type Keypair struct {
	UserID      string `bun:",pk"`
	Name        string `bun:",pk"`
	Type        string // ssh or x509
	PublicKey   string
	Fingerprint string
	Num         int64 `bun:",nullzero"`
	CreatedAt   time.Time
}

// A Host is a node: what it reported, and what its operator said of it.
type Host struct {
	Name           string `bun:",pk"`
	ID             string // of the hypervisor and its resource provider
	ServiceID      string
	Num            int64 `bun:",nullzero"` // hypervisor id before 2.53
	Zone           string
	Disabled       bool
	DisabledReason *string
	ForcedDown     bool
	IP             string
	LiveAt         string // host:port of its live side
	Hypervisor     string
	Version        int
	CPUInfo        string `bun:"cpu_info"`
	VCPUs          int    `bun:"vcpus"`
	MemoryMB       int    `bun:"memory_mb"`
	DiskGB         int    `bun:"disk_gb"`
	FreeDiskGB     int    `bun:"free_disk_gb"`
	FreeMemMB      int    `bun:"free_mem_mb"`
	Uptime         string
	CreatedAt      time.Time
	ReportedAt     time.Time
}

// DownAfter is how long a silent node counts as up.
const DownAfter = 60 * time.Second

// Up tells whether the node has reported lately.
func (h *Host) Up(now time.Time) bool { return !h.ForcedDown && now.Sub(h.ReportedAt) < DownAfter }

// An Aggregate is a named set of hosts; its metadata may make it a zone.
type Aggregate struct {
	ID        int64  `bun:"id,pk,autoincrement"`
	UUID      string `bun:"uuid"`
	Name      string
	Metadata  map[string]string
	Hosts     []string
	CreatedAt time.Time
	UpdatedAt time.Time `bun:",nullzero"`
}

// DefaultZone is the zone of hosts that no aggregate puts elsewhere.
const DefaultZone = "nova"

// Zone is the availability zone that the aggregate makes, "" if none.
func (a *Aggregate) Zone() string { return a.Metadata["availability_zone"] }

// A ServerGroup is servers that shall be together or apart.
type ServerGroup struct {
	ID        string `bun:"id,pk"`
	ProjectID string
	UserID    string
	Name      string
	Policy    string
	Rules     map[string]int
	Members   []string `bun:"-"`
	CreatedAt time.Time
}

// A GroupMember is one server of a group.
type GroupMember struct {
	GroupID  string
	ServerID string `bun:",pk"`
}

// A ServerAction is one thing done to a server, by whom and how it ended.
type ServerAction struct {
	ID         string `bun:"id,pk"`
	ServerID   string
	Action     string
	RequestID  string
	UserID     string
	ProjectID  string
	Message    *string
	Event      string
	Result     *string // Success or Error
	Details    *string
	Host       string
	StartedAt  time.Time
	FinishedAt time.Time `bun:",nullzero"`
	UpdatedAt  time.Time
}

// A ComputeQuota is a project's own limit, or a class's default ("default").
type ComputeQuota struct {
	ProjectID string `bun:",pk"`
	Resource  string `bun:",pk"`
	Value     int    // -1 is no limit
}

// A ConsoleToken lets a browser open one server's display for a while.
type ConsoleToken struct {
	Token     string `bun:",pk"`
	ServerID  string
	Kind      string // novnc
	ExpiresAt time.Time
}

// QuotaDefaults are nova's own.
var QuotaDefaults = map[string]int{"instances": 10, "cores": 20, "ram": 51200, "metadata_items": 128, "injected_files": 5,
	"injected_file_content_bytes": 10240, "injected_file_path_bytes": 255, "key_pairs": 100, "server_groups": 10, "server_group_members": 10}

// Usage is what a project's servers take.
type Usage struct{ Instances, Cores, RAM, ServerGroups int }
