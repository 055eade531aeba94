package cinder

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
)

// Options are block storage's settings; docs/settings.md says what they do.
type Options struct {
	Backends []BackendOptions `yaml:"backends"`
}

// BackendOptions are those of one backend; which ones count depends on its kind.
type BackendOptions struct {
	Name  string `yaml:"name"`                // the backend of host@backend#pool
	Kind  string `yaml:"kind"`                // file, lvm, rbd
	Host  string `yaml:"host"`                // address of the control plane that has it, where there are several
	Label string `yaml:"volume_backend_name"` // what types choose by; the name, if nothing else

	Dir string `yaml:"dir"` // file: the volumes; others: locks, and what is converted

	Pool     string `yaml:"pool"` // rbd
	User     string `yaml:"user"`
	Conf     string `yaml:"conf"`
	Keyring  string `yaml:"keyring"`
	MaxDepth int    `yaml:"max_clone_depth"`

	Group    string `yaml:"volume_group"` // lvm
	ThinPool string `yaml:"thin_pool"`
	Thick    bool   `yaml:"thick"`
	NoClear  bool   `yaml:"no_clear"`

	Target  string `yaml:"target"`         // file, lvm: iscsi or none
	Address string `yaml:"target_address"` // host:port that iSCSI targets listen at
}

var backendName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// Filled are the settings with what was not said, or why they cannot be.
func (o Options) Filled() (Options, error) {
	if len(o.Backends) == 0 {
		o.Backends = []BackendOptions{{Name: "files", Kind: "file"}}
	}
	o.Backends = slices.Clone(o.Backends)
	seen := map[string]bool{}
	for n := range o.Backends {
		b := &o.Backends[n]
		if !backendName.MatchString(b.Name) || seen[b.Name] {
			return o, fmt.Errorf("volume: backend %q: a name of its own is wanted, of letters, digits, dots, dashes", b.Name)
		}
		seen[b.Name] = true
		if err := b.fill(); err != nil {
			return o, fmt.Errorf("volume: backend %s: %w", b.Name, err)
		}
	}
	return o, nil
}

func (b *BackendOptions) fill() error {
	b.Label = cmp.Or(b.Label, b.Name)
	switch b.Kind {
	case "file":
		b.Target = cmp.Or(b.Target, "none")
	case "lvm":
		b.Group, b.Target = cmp.Or(b.Group, "cinder-volumes"), cmp.Or(b.Target, "iscsi")
		if !lvmName.MatchString(b.Group) || b.ThinPool != "" && !lvmName.MatchString(b.ThinPool) {
			return fmt.Errorf("volume_group, thin_pool: names of LVM's are wanted")
		}
		if b.Target == "none" {
			return fmt.Errorf("target: volumes of a volume group are reached by iscsi")
		}
	case "rbd":
		b.Pool = cmp.Or(b.Pool, "volumes")
		return nil
	default:
		return fmt.Errorf("kind %q: file, lvm or rbd is wanted", b.Kind)
	}
	if b.Target != "none" && b.Target != "iscsi" {
		return fmt.Errorf("target %q: iscsi or none is wanted", b.Target)
	}
	b.Address = cmp.Or(b.Address, "127.0.0.1:3260")
	if a, err := netip.ParseAddrPort(b.Address); err != nil || a.Addr().IsUnspecified() {
		return fmt.Errorf("target_address %q: an address of this machine with a port is wanted", b.Address)
	}
	return nil
}

var lvmName = regexp.MustCompile(`^[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}$`)

// Place is the pool's part of host@backend#pool.
func (b BackendOptions) Place() string {
	return map[string]string{"file": "volumes", "lvm": b.Group, "rbd": b.Pool}[b.Kind]
}
