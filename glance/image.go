package glance

import (
	"slices"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"
)

// An Image is one image's row. Pointers are null in the API until they are known.
type Image struct {
	ID              string `bun:",pk"`
	Name            *string
	Owner           string
	Status          string
	Visibility      string
	Protected       bool
	Hidden          bool
	DiskFormat      string
	ContainerFormat string
	MinDisk         int
	MinRAM          int `bun:"min_ram"`
	Size            *int64
	VirtualSize     *int64
	Checksum        string
	HashValue       string
	Tags            []string
	Properties      map[string]string
	Locations       []Location
	Upload          string    // of the one move of bytes that is under way: its own name, or its task's
	TouchedAt       time.Time `bun:",nullzero"` // when that move last moved
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Statuses of an image (API reference, "Image statuses").
const (
	Queued      = "queued"
	Saving      = "saving"
	Uploading   = "uploading" // bytes are or were staged
	Importing   = "importing"
	Active      = "active"
	Deactivated = "deactivated"
)

// Formats of disks and containers that images may have.
var (
	DiskFormats      = []string{"ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"}
	ContainerFormats = []string{"ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"}
	Visibilities     = []string{"public", "community", "shared", "private"}
)

// A Location is one place where an image's bytes are.
type Location struct {
	Store    string         `json:"store"`
	Name     string         `json:"name,omitempty"` // in a store of ours; "" where URL says it
	URL      string         `json:"url,omitempty"`  // of bytes that somebody else keeps
	Metadata map[string]any `json:"metadata,omitempty"`
}

// In tells where among the image's locations the store is; < 0 is nowhere.
func (i *Image) In(store string) int {
	return slices.IndexFunc(i.Locations, func(l Location) bool { return l.Store == store })
}

// Stores are the stores that the image is in, as the API has them.
func (i *Image) Stores() string {
	var ids []string
	for _, l := range i.Locations {
		if !slices.Contains(ids, l.Store) {
			ids = append(ids, l.Store)
		}
	}
	return strings.Join(ids, ",")
}

// A Member is a project that an image is shared with.
type Member struct {
	ImageID   string `bun:",pk"`
	ProjectID string `bun:",pk"`
	Status    string // pending, accepted, rejected
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Query is which images to list, for whom.
type Query struct {
	listing.List
	ProjectID    string
	All          bool     // an administrator sees every project's
	Visibility   string   // "" is own, public, and shared ones that were accepted
	MemberStatus string   // of shared ones: accepted, or pending, rejected, all
	Tags         []string // all of them
	Hidden       bool
	Properties   map[string]string
	Compare      []Comparison
}

// A Comparison is one bound: column, operator and value.
type Comparison struct {
	Column, Op string
	Value      any
}

// NotFound is the fault of an image that is not there, or not for the caller.
func NotFound(id string) *fault.Error {
	return fault.New(fault.NotFound, "No image found with ID %s", id)
}

// seen tells whether who may know of the image; members are those it is shared with.
func (i *Image) seen(who *token.Who, members []Member) bool {
	switch {
	case who == nil, who.Admin(), i.Owner == who.Project.ID, i.Visibility == "public", i.Visibility == "community":
		return true
	case i.Visibility != "shared":
		return false
	}
	return slices.ContainsFunc(members, func(m Member) bool { return m.ProjectID == who.Project.ID })
}
