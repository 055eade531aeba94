package placement

import (
	"context"
	"slices"
	"strings"

	"stackd/internal/fault"
)

// StandardTraits are those of os-traits that this cloud knows; others are made as
// CUSTOM_ ones.
var StandardTraits = strings.Fields(`COMPUTE_NODE COMPUTE_ACCELERATORS COMPUTE_DEVICE_TAGGING COMPUTE_IMAGE_TYPE_RAW COMPUTE_IMAGE_TYPE_QCOW2 COMPUTE_IMAGE_TYPE_ISO
	COMPUTE_IMAGE_TYPE_VMDK COMPUTE_NET_ATTACH_INTERFACE COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG COMPUTE_NET_VIF_MODEL_VIRTIO COMPUTE_RESCUE_BFV COMPUTE_STATUS_DISABLED
	COMPUTE_STORAGE_BUS_VIRTIO COMPUTE_STORAGE_BUS_SCSI COMPUTE_STORAGE_BUS_SATA COMPUTE_STORAGE_BUS_USB COMPUTE_TRUSTED_CERTS COMPUTE_VOLUME_ATTACH_WITH_TAG COMPUTE_VOLUME_EXTEND
	COMPUTE_VOLUME_MULTI_ATTACH COMPUTE_SAME_HOST_COLD_MIGRATE COMPUTE_SECURITY_UEFI_SECURE_BOOT COMPUTE_SECURITY_TPM_1_2 COMPUTE_SECURITY_TPM_2_0 COMPUTE_ADDRESS_SPACE_EMULATED
	HW_CPU_HYPERTHREADING HW_CPU_X86_VMX HW_CPU_X86_SVM HW_CPU_X86_AESNI HW_CPU_X86_AVX HW_CPU_X86_AVX2 HW_CPU_X86_AVX512F HW_CPU_X86_BMI HW_CPU_X86_BMI2 HW_CPU_X86_SSE HW_CPU_X86_SSE2
	HW_CPU_X86_SSE3 HW_CPU_X86_SSSE3 HW_CPU_X86_SSE41 HW_CPU_X86_SSE42 HW_CPU_X86_FMA3 HW_CPU_X86_F16C HW_CPU_X86_MMX HW_CPU_X86_SHA HW_CPU_X86_CLMUL HW_CPU_X86_ABM HW_CPU_X86_AMD_SEV
	HW_GPU_API_VULKAN HW_NIC_SRIOV HW_NIC_ACCEL_SSL HW_NIC_MULTIQUEUE HW_NIC_OFFLOAD_TSO HW_NIC_OFFLOAD_GRO HW_NUMA_ROOT MISC_SHARES_VIA_AGGREGATE OWNER_NOVA OWNER_CYBORG
	STORAGE_DISK_SSD STORAGE_DISK_HDD`)

// Traits are all there are: the standard ones, then those that were made.
func (p *Placement) Traits(ctx context.Context) ([]string, error) {
	return p.named(ctx, "trait", StandardTraits)
}

// Classes are all resource classes.
func (p *Placement) Classes(ctx context.Context) ([]string, error) {
	return p.named(ctx, "class", StandardClasses)
}

func (p *Placement) named(ctx context.Context, kind string, standard []string) ([]string, error) {
	rows, err := p.Names(ctx, kind)
	out := slices.Clone(standard)
	for _, r := range rows {
		out = append(out, r.Name)
	}
	return out, err
}

// MakeName makes a custom class or trait; made is false when it was there.
func (p *Placement) MakeName(ctx context.Context, kind, name string) (made bool, err error) {
	err = p.Tx(ctx, func(ctx context.Context) error {
		rows, err := p.Names(ctx, kind)
		if err != nil {
			return err
		}
		if made = !slices.ContainsFunc(rows, func(n Name) bool { return n.Name == name }); !made {
			return nil
		}
		return p.InsertName(ctx, Name{kind, name, p.Now()})
	})
	return made, err
}

// DropName removes a custom class or trait that nothing uses.
func (p *Placement) DropName(ctx context.Context, kind, name string) error {
	return p.Tx(ctx, func(ctx context.Context) error {
		rows, err := p.Names(ctx, kind)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(rows, func(n Name) bool { return n.Name == name }) {
			if kind == "trait" {
				return fault.New(fault.NotFound, "No such trait: %s", name)
			}
			return fault.New(fault.NotFound, "No such resource class %s.", name)
		}
		used, err := p.NameUsed(ctx, Name{Kind: kind, Name: name})
		if err != nil {
			return err
		}
		if used && kind == "trait" {
			return fault.New(fault.Conflict, "The trait %s is in use by a resource provider.", name)
		}
		if used {
			return fault.New(fault.Conflict, "Error in delete resource class: %s is in use in inventory.", name)
		}
		return p.DeleteName(ctx, Name{Kind: kind, Name: name})
	})
}

// Reshape moves inventories and allocations about in one step: what every provider
// shall have, and what every consumer.
func (p *Placement) Reshape(ctx context.Context, inventories map[string][]Inventory, generations map[string]int64, claims []Claim) error {
	return p.Tx(ctx, func(ctx context.Context) error {
		// What is to go must outlive the move: first the union of old and new, then the claims, then the new alone.
		for id, rows := range inventories {
			_, err := p.Change(ctx, id, generations[id], func(ctx context.Context, _ *Provider) error {
				have, err := p.Inventories(ctx, id)
				if err != nil {
					return err
				}
				return p.SetInventories(ctx, id, union(rows, have))
			})
			if err != nil {
				return err
			}
		}
		if err := p.Claim(ctx, claims...); err != nil {
			return err
		}
		for id, rows := range inventories {
			if err := p.replace(ctx, id, rows); err != nil {
				return err
			}
		}
		return nil
	})
}

func union(rows, have []Inventory) []Inventory {
	out := slices.Clone(rows)
	for _, h := range have {
		if !slices.ContainsFunc(rows, func(r Inventory) bool { return r.Class == h.Class }) {
			out = append(out, h)
		}
	}
	return out
}

// replace sets a provider's inventories; a class that is taken from cannot go.
func (p *Placement) replace(ctx context.Context, id string, rows []Inventory) error {
	used, err := p.Usages(ctx, id)
	if err != nil {
		return err
	}
	for class, n := range used[id] {
		if n > 0 && !slices.ContainsFunc(rows, func(r Inventory) bool { return r.Class == class }) {
			return fault.New(fault.Conflict, "Inventory for '%s' on resource provider '%s' in use.", class, id).Named(CodeInUse)
		}
	}
	return p.SetInventories(ctx, id, rows)
}

// SetStock replaces a provider's inventories; see replace.
func (p *Placement) SetStock(ctx context.Context, id string, generation int64, rows []Inventory) (*Provider, error) {
	return p.Change(ctx, id, generation, func(ctx context.Context, _ *Provider) error { return p.replace(ctx, id, rows) })
}
