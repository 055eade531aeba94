package deploy

import (
	"strings"

	"stackd/cinder/lvm"
	"stackd/internal/converge"
)

// A group that the answers have made is on a file, which has its loop device again at each
// start of the host, before stackd.
const (
	volumesFile = "/var/lib/stackd-volumes.img"
	volumesUnit = "stackd-volumes.service"
)

// volumeGroup makes the group of the volumes, where the answers say so and there is none.
// One that somebody else made stays when the cloud goes, without what the cloud made in it.
func volumeGroup() converge.Step[*Host] {
	return step("volume group", func(h *Host) string {
		if !h.Storage() || h.plan.Answers["CONFIG_CINDER_BACKEND"] != "lvm" {
			return "true"
		}
		return "vgs " + h.groupName() + " >/dev/null 2>&1 && { [ ! -e " + kept + "/loop ] || [ ! -d /run/systemd/system ] || { systemctl is-enabled -q " + volumesUnit +
			" && cmp -s /etc/systemd/system/" + volumesUnit + " <(printf '%s' " + quote(h.volumesService()) + "); }; }"
	}, (*Host).makeGroup, (*Host).leaveGroup)
}

// groupName is the name of the group, for the shell.
func (h *Host) groupName() string { return quote(h.plan.Answers["CONFIG_CINDER_VOLUME_NAME"]) }

// setLoop gives the file its loop device, where it has none.
func (h *Host) setLoop() string {
	return "losetup -j " + volumesFile + " | grep -q . || losetup -f " + volumesFile
}

func (h *Host) volumesService() string {
	return `[Unit]
Description=The volume group of stackd's volumes
RequiresMountsFor=` + volumesFile + `
After=systemd-modules-load.service systemd-udevd.service
Before=stackd.service

[Service]
Type=oneshot
RemainAfterExit=yes
` + domain + `
ExecStart=/bin/sh -c "` + h.setLoop() + `"
ExecStart=/sbin/vgchange -q -aay --sysinit ` + h.plan.Answers["CONFIG_CINDER_VOLUME_NAME"] + `

[Install]
WantedBy=multi-user.target stackd.service
`
}

// makeGroup may find a part of it made: a file without its loop device, or without a group.
func (h *Host) makeGroup() string {
	return "touch " + kept + "/loop; [ -e " + volumesFile + " ] || truncate -s " + quote(h.plan.Answers["CONFIG_CINDER_VOLUMES_SIZE"]) + " " + volumesFile + "\n" + h.setLoop() +
		"\nvgs " + h.groupName() + " >/dev/null 2>&1 || vgcreate -q " + h.groupName() + " $(losetup -j " + volumesFile + " -O NAME -n) >&2\n" +
		"[ ! -d /run/systemd/system ] || { printf '%s' " + quote(h.volumesService()) + " > /etc/systemd/system/" + volumesUnit + "; systemctl daemon-reload; systemctl enable -q --now " + volumesUnit + "; }"
}

// leaveGroup takes a group of ours away with its file. In another's it takes away what bears
// our tag, and the pool once nothing else is in it.
func (h *Host) leaveGroup() string {
	return strings.NewReplacer("KEPT", kept, "FILE", volumesFile, "UNIT", volumesUnit, "GROUP", h.groupName(), "TAG", lvm.Tag).Replace(`if [ -e KEPT/loop ]; then
  [ ! -e /etc/systemd/system/UNIT ] || { systemctl disable -q --now UNIT; rm -f /etc/systemd/system/UNIT; systemctl daemon-reload; }
  vgs GROUP >/dev/null 2>&1 || losetup -j FILE | grep -q . || { losetup -f FILE; vgchange -q -ay GROUP >&2 || true; }
  ! vgs GROUP >/dev/null 2>&1 || vgremove -qfy GROUP >&2
  losetup -j FILE -O NAME -n | while read -r l; do losetup -d $l; done; rm -f FILE KEPT/loop
elif vgs GROUP >/dev/null 2>&1; then
  lvremove -qfy -S 'lv_tags={TAG} && segtype!=thin-pool' GROUP >&2
  lvremove -qfy -S 'lv_tags={TAG} && segtype=thin-pool && thin_count=0' GROUP >&2
fi`)
}
