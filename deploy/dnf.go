package deploy

// dnf is the row of Fedora, and of Enterprise Linux: CentOS Stream, Rocky, AlmaLinux, RHEL.
var dnf = family{
	ids: []string{"fedora", "rhel", "centos"},
	needs: needs{
		host:     "iproute hostname diffutils",
		infra:    "bind chrony",
		clock:    "chrony",
		fabric:   "openvswitch ovn-host nftables",
		filter:   "nftables",
		control:  "ovn-central qemu-img qemu-block-rbd",
		target:   "scsi-target-utils",
		display:  "novnc",
		client:   "python3-openstackclient",
		group:    "lvm2 device-mapper-persistent-data",
		guests:   "qemu-kvm qemu-img qemu-block-rbd libvirt-daemon libvirt-client libvirt-daemon-driver-qemu libvirt-daemon-driver-secret iputils",
		database: "postgresql-server postgresql openssl",
	},
	clock:   clock{unit: "chronyd", sources: "/etc/chrony.stackd/stackd.sources", conf: "/etc/chrony.stackd/stackd.conf", main: "/etc/chrony.conf"},
	names:   names{user: "named", dir: "/etc/named/stackd", cache: "/var/named"},
	cluster: dnfCluster{},
	keeper:  dnfKeeper{},
}

// alike are names that differ between these systems, as patterns: where the name is in
// several versions (CentOS' NFV SIG, RHEL's Fast Datapath) the newest is meant.
var alike = map[string]string{
	"openvswitch":    `openvswitch([0-9.]+)?`,
	"ovn-host":       `ovn-?[0-9.]*-host`,
	"ovn-central":    `ovn-?[0-9.]*-central`,
	"qemu-block-rbd": `qemu(-kvm)?-block-rbd`,
}

// An origin is where Enterprise Linux has packages from that its own repositories lack.
type origin struct {
	release string // the package that tells dnf of them
	words   string // what to do
}

const nfv, epel = "centos-release-nfv-openvswitch", "epel-release"

var origins = map[string]origin{
	"openvswitch":             {nfv, "CentOS' NFV SIG has it (dnf install " + nfv + "), RHEL the repository fast-datapath-for-rhel-N-x86_64-rpms"},
	"ovn-host":                {nfv, "CentOS' NFV SIG has it (dnf install " + nfv + "), RHEL the repository fast-datapath-for-rhel-N-x86_64-rpms"},
	"ovn-central":             {nfv, "CentOS' NFV SIG has it (dnf install " + nfv + "), RHEL the repository fast-datapath-for-rhel-N-x86_64-rpms"},
	"novnc":                   {epel, "EPEL has it: CONFIG_USE_EPEL=y"},
	"python3-openstackclient": {epel, "RDO has it (dnf install centos-release-openstack-RELEASE) and so has EPEL (CONFIG_USE_EPEL=y); or say CONFIG_CLIENT_INSTALL=n"},
}

// enterprise tells whether the host has Enterprise Linux.
func (h *Host) enterprise() bool {
	for _, id := range append([]string{h.Facts.OS}, h.Facts.Like...) {
		if id == "rhel" || id == "centos" {
			return true
		}
	}
	return false
}

// iscsi tells whether volumes go over iSCSI there: Enterprise Linux has no tgt, and its
// QEMU no iSCSI.
func (h *Host) iscsi() bool { return !h.enterprise() }

// releases are the packages that tell a host of more repositories, where it may be told.
func (h *Host) releases() (all []string) {
	if h.family() != &dnf || !h.enterprise() {
		return nil
	}
	all = []string{nfv}
	if h.plan.Answers.Yes("CONFIG_USE_EPEL") {
		all = append(all, epel)
	}
	return all
}
