package placement

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Provider is something that has resources. Providers form trees.
type Provider struct {
	ID         string `bun:",pk"`
	Name       string
	Generation int64 // grows with every change of what it has or gives
	ParentID   string
	RootID     string
	Aggregates []string
	Traits     []string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// An Inventory is how much of one class a provider has.
type Inventory struct {
	ProviderID string `bun:",pk"`
	Class      string `bun:",pk"`
	Total      int64
	Reserved   int64
	MinUnit    int64
	MaxUnit    int64
	StepSize   int64
	Ratio      float64
}

// Capacity is what can be allocated in all.
func (i Inventory) Capacity() int64 {
	return int64(math.Floor(float64(i.Total-i.Reserved) * i.Ratio))
}

// Takes tells whether one allocation of n is of a size that the inventory gives.
func (i Inventory) Takes(n int64) bool {
	return n >= i.MinUnit && n <= i.MaxUnit && n%i.StepSize == 0
}

// An Allocation is what a consumer has taken of a provider's class.
type Allocation struct {
	ConsumerID string `bun:",pk"`
	ProviderID string `bun:",pk"`
	Class      string `bun:",pk"`
	Used       int64
	UpdatedAt  time.Time
}

// A Consumer is who takes.
type Consumer struct {
	ID         string `bun:",pk"`
	ProjectID  string
	UserID     string
	Type       string // "unknown" before 1.38
	Generation int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// A Name is a resource class or a trait that someone made.
type Name struct {
	Kind      string `bun:",pk"` // class or trait
	Name      string `bun:",pk"`
	CreatedAt time.Time
}

// Usage is provider → class → used.
type Usage map[string]map[string]int64

// StandardClasses are os-resource-classes', in their order.
var StandardClasses = strings.Fields(`VCPU MEMORY_MB DISK_GB PCI_DEVICE SRIOV_NET_VF NUMA_SOCKET NUMA_CORE NUMA_THREAD NUMA_MEMORY_MB IPV4_ADDRESS VGPU
	VGPU_DISPLAY_HEAD NET_BW_EGR_KILOBIT_PER_SEC NET_BW_IGR_KILOBIT_PER_SEC PCPU MEM_ENCRYPTION_CONTEXT FPGA PGPU NET_PACKET_RATE_KILOPACKET_PER_SEC
	NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC`)

var custom = regexp.MustCompile(`^CUSTOM_[A-Z0-9_]+$`)

// Custom tells whether a name may be made: CUSTOM_ and capitals, 255 at most.
func Custom(name string) bool { return len(name) <= 255 && custom.MatchString(name) }

// Standard tells whether name is one of the standard classes.
func Standard(name string) bool { return slices.Contains(StandardClasses, name) }

// has tells whether the provider has all of the traits required and none forbidden.
func (p *Provider) has(required, forbidden []string) bool {
	for _, t := range required {
		if !slices.Contains(p.Traits, t) {
			return false
		}
	}
	return !slices.ContainsFunc(forbidden, func(t string) bool { return slices.Contains(p.Traits, t) })
}
