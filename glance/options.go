package glance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options are the image service's settings; docs/settings.md says what they do.
type Options struct {
	Stores       []StoreOptions `yaml:"stores"`
	DefaultStore string         `yaml:"default_store"`
	StagingDir   string         `yaml:"staging_dir"`
	Host         string         `yaml:"host"`

	ImportMethods  []string          `yaml:"import_methods"`
	ImportPlugins  []string          `yaml:"import_plugins"`
	ConvertTo      string            `yaml:"convert_to"`
	Inject         map[string]string `yaml:"inject"`
	InjectNotRoles []string          `yaml:"inject_ignore_roles"`
	CopyProperties []string          `yaml:"copy_properties"`
	ImportFilter   Filter            `yaml:"import_filter"`

	ImageSizeCap    int64         `yaml:"image_size_cap"`
	UnpackCap       int64         `yaml:"unpack_cap"`
	VirtualSizeCap  int64         `yaml:"virtual_size_cap"`
	ShowLocations   bool          `yaml:"show_multiple_locations"`
	ShowDirectURL   bool          `yaml:"show_image_direct_url"`
	NoLocationHash  bool          `yaml:"no_location_hash"`
	TaskKeep        time.Duration `yaml:"task_keep"`
	CacheOff        bool          `yaml:"cache_off"`
	CacheDir        string        `yaml:"cache_dir"`
	CacheMax        int64         `yaml:"cache_max_size"`
	Protections     string        `yaml:"property_protection_file"`
	ProtectionRules string        `yaml:"property_protection_rule_format"`
	Certificates    string        `yaml:"certificates_dir"`
}

// StoreOptions are those of one store; which ones count depends on its type.
type StoreOptions struct {
	ID          string `yaml:"id"`
	Type        string `yaml:"type"` // file, s3, rbd, http
	Description string `yaml:"description"`
	Weight      int    `yaml:"weight"`

	Dir string `yaml:"dir"` // file

	Endpoint  string `yaml:"endpoint"` // s3
	Region    string `yaml:"region"`
	Bucket    string `yaml:"bucket"`
	AccessKey string `yaml:"access_key"`
	SecretKey string `yaml:"secret_key"`

	Pool string `yaml:"pool"` // rbd
	User string `yaml:"user"`
	Conf string `yaml:"conf"`
}

// Filter is which addresses images may be fetched from. Where something is allowed,
// what is disallowed does not count.
type Filter struct {
	Schemes    []string `yaml:"allowed_schemes"`
	NotSchemes []string `yaml:"disallowed_schemes"`
	Hosts      []string `yaml:"allowed_hosts"`
	NotHosts   []string `yaml:"disallowed_hosts"`
	Ports      []int    `yaml:"allowed_ports"`
	NotPorts   []int    `yaml:"disallowed_ports"`
	Networks   []string `yaml:"allowed_networks"` // besides the public ones
}

// methods are all ways in.
var methods = []string{"glance-direct", "web-download", "copy-image", "glance-download"}

var plugins = []string{"image_decompression", "image_conversion", "inject_image_metadata"}

// Filled are the options with what was left out, or why they cannot be.
func (o Options) Filled() (Options, error) {
	if len(o.Stores) == 0 {
		o.Stores = []StoreOptions{{ID: "file", Type: "file"}}
	}
	o.DefaultStore = cmp.Or(o.DefaultStore, o.Stores[0].ID)
	if o.ImportMethods == nil {
		o.ImportMethods = methods
	}
	if o.CopyProperties == nil {
		o.CopyProperties = []string{"hw_", "trait:", "os_distro", "os_secure_boot", "os_type"}
	}
	o.ConvertTo = cmp.Or(o.ConvertTo, "raw")
	o.ImageSizeCap, o.UnpackCap = cmp.Or(o.ImageSizeCap, 1<<40), cmp.Or(o.UnpackCap, 1<<38)
	o.VirtualSizeCap, o.CacheMax = cmp.Or(o.VirtualSizeCap, 1<<50), cmp.Or(o.CacheMax, 10<<30)
	o.TaskKeep = cmp.Or(o.TaskKeep, 48*time.Hour)
	o.ProtectionRules = cmp.Or(o.ProtectionRules, "roles")
	return o, o.wrong()
}

func (o Options) wrong() error {
	seen := map[string]bool{}
	for _, s := range o.Stores {
		switch {
		case s.ID == "" || seen[s.ID] || strings.ContainsAny(s.ID, ", ") || strings.HasPrefix(s.ID, "os_glance_"):
			return fmt.Errorf("image: a store's id is missing, taken or reserved: %q", s.ID)
		case !slices.Contains([]string{"file", "s3", "rbd", "http"}, s.Type):
			return fmt.Errorf("image: store %s is of type %q, which is not known", s.ID, s.Type)
		}
		seen[s.ID] = true
	}
	n := slices.IndexFunc(o.Stores, func(s StoreOptions) bool { return s.ID == o.DefaultStore })
	if n < 0 || o.Stores[n].Type == "http" {
		return fmt.Errorf("image: default_store %q is no store that can be written", o.DefaultStore)
	}
	for _, m := range o.ImportMethods {
		if !slices.Contains(methods, m) {
			return fmt.Errorf("image: import method %q is not known", m)
		}
	}
	for _, p := range o.ImportPlugins {
		if !slices.Contains(plugins, p) {
			return fmt.Errorf("image: import plugin %q is not known", p)
		}
	}
	if o.ConvertTo != "raw" && o.ConvertTo != "qcow2" && o.ConvertTo != "vmdk" {
		return fmt.Errorf("image: convert_to %q is none of raw, qcow2, vmdk", o.ConvertTo)
	}
	if o.ProtectionRules != "roles" && o.ProtectionRules != "policies" {
		return fmt.Errorf("image: property_protection_rule_format is roles or policies, not %q", o.ProtectionRules)
	}
	return nil
}

// does tells whether a plugin is switched on.
func (o Options) does(plugin string) bool { return slices.Contains(o.ImportPlugins, plugin) }
