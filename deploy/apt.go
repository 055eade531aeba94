package deploy

// apt is the row of Debian and Ubuntu.
var apt = family{
	ids: []string{"debian", "ubuntu"},
	needs: needs{
		host:     "iproute2",
		infra:    "bind9 chrony",
		clock:    "chrony",
		fabric:   "openvswitch-switch ovn-host nftables",
		filter:   "nftables",
		control:  "ovn-central qemu-utils qemu-block-extra",
		target:   "tgt",
		display:  "novnc",
		client:   "python3-openstackclient",
		group:    "lvm2 thin-provisioning-tools",
		guests:   "qemu-system-x86 qemu-utils qemu-block-extra libvirt-daemon libvirt-clients libvirt-daemon-driver-qemu iputils-ping",
		database: "postgresql openssl",
	},
	clock:   clock{unit: "chrony", sources: "/etc/chrony/sources.d/stackd.sources", conf: "/etc/chrony/conf.d/stackd.conf"},
	names:   names{user: "bind", dir: "/etc/bind/stackd", cache: "/var/cache/bind", clear: "; rmdir /etc/bind 2>/dev/null || true"},
	cluster: aptCluster{},
	keeper:  aptKeeper{},
}
