#!/bin/bash
# Builds the guest that tests and the demo boot, from Debian packages alone.
#
#   images/build.sh [OUT]     OUT is ./out when not given
#
#   OUT/tiny.qcow2        whole disk, about 20 MB: MBR, FAT with syslinux (BIOS and UEFI), ext4 root
#   OUT/tiny-vmlinuz      the same guest as kernel and ramdisk;
#   OUT/tiny-initrd       without a root disk it runs from memory
#   OUT/tiny-rootfs.img   its root as a bare ext4 file system
#
# The files under images/tiny are the guest's own; what each does is said there.
# Root is needed for nothing but a missing package. Nothing is mounted.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
out=$(realpath -m "${1:-out}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# The same packages give the same kernel and ramdisk, bit for bit.
export SOURCE_DATE_EPOCH=1700000000 E2FSPROGS_FAKE_TIME=1700000000
export LC_ALL=C TZ=UTC MTOOLSRC=/dev/null MTOOLS_SKIP_CHECK=1

fat_mib=20
root_mib=32

# Modules the guest loads at boot; ext4 is part of the kernel.
modules=(
  virtio_pci virtio_mmio virtio_net virtio_blk virtio_scsi virtio_balloon virtio-rng virtio_console
  sd_mod sr_mod ata_piix isofs vfat nls_cp437 nls_iso8859-1 nls_ascii evdev button 8021q
)

need_packages() {
  local want=(dropbear-bin openssh-client e2fsprogs util-linux cpio kmod mtools dosfstools qemu-utils fdisk
    syslinux syslinux-common syslinux-efi)
  dpkg -s "${want[@]}" >/dev/null 2>&1 && return
  apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends "${want[@]}" >/dev/null
}

# The kernel and busybox are unpacked here and never installed on the host.
unpack() {
  kernel_package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ {print $2; exit}')
  release=${kernel_package#linux-image-}
  (
    cd "$work"
    apt-get download -qq "$kernel_package" busybox 2>/dev/null
    dpkg -x "$kernel_package"_*.deb kernel
    dpkg -x busybox_*.deb busybox
  )
  busybox=$(find "$work/busybox" -name busybox -type f -size +100k)
}

# install_program FILE...: the programs and the libraries they need.
install_program() {
  local f libs
  libs=$(ldd "$@" 2>/dev/null | grep -o '/[^ :]*\.so[^ :]*' | sort -u)
  for f in "$@" $libs; do
    case $f in
      *ld-linux*) cp -nL "$f" "$root/usr/lib64/" ;;
      *.so*) cp -nL "$f" "$root/lib/" ;;
      *) cp -nL "$f" "$root/usr/sbin/" ;;
    esac
  done
}

make_tree() {
  mkdir -p "$root"/{bin,sbin,usr/{bin,sbin,lib64},lib,dev,proc,sys,run,tmp,mnt,root,home/cirros}
  mkdir -p "$root"/{etc/dropbear,var/{lib/cloud,log}}
  ln -s usr/lib64 "$root/lib64"
  cp -r "$here/tiny/." "$root/"

  install_program "$busybox" /usr/sbin/dropbear /usr/sbin/resize2fs /sbin/mke2fs /usr/bin/lsblk /usr/bin/scp
  mv "$root/usr/sbin/busybox" "$root/bin/"
  for name in $("$busybox" --list); do
    case $name in busybox | mke2fs | rpm) ;; *) [ -e "$root/usr/bin/$name" ] || ln -s busybox "$root/bin/$name" ;; esac
  done
  ln -s ../bin/busybox "$root/sbin/init"
  ln -s mke2fs "$root/usr/sbin/mkfs.ext4"
  ln -s mke2fs "$root/usr/sbin/mkfs.ext3"

  local secret
  secret=$(openssl passwd -5 -salt tiny gocubsgo)
  printf '%s:%s:19000:0:99999:7:::\n' root "$secret" cirros "$secret" > "$root/etc/shadow"
  chmod 600 "$root/etc/shadow"
  chmod 755 "$root"/init "$root"/etc/{rcS,udhcpc.sh} "$root"/usr/bin/* "$root"/etc/acpi/PWRF/*
}

make_modules() {
  local from=$work/kernel to=$root/lib/modules/$release f
  printf '%s\n' "${modules[@]}" > "$root/etc/modules"
  depmod -b "$from" "$release"
  modprobe -d "$from" -S "$release" --show-depends -a "${modules[@]}" |
    awk '/^insmod/ {print $2}' | sort -u |
    while read -r f; do install -Dm644 "$f" "$to/${f##*/"$release"/}"; done
  cp "$from/lib/modules/$release"/modules.{builtin,order} "$to/"
  depmod -b "$root" "$release" 2>/dev/null
  rm -f "$to"/*.bin
}

make_ramdisk() {
  find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
  cp "$work"/kernel/boot/vmlinuz-* "$out/tiny-vmlinuz"
  (cd "$root" && find . -print0 | sort -z | cpio -0o -H newc -R 0:0 --reproducible 2>/dev/null) |
    gzip -9n > "$out/tiny-initrd"
}

# 4 KiB blocks and room in the group descriptors, so that the root can grow while mounted.
make_rootfs() {
  rm -f "$out/tiny-rootfs.img"
  mke2fs -qF -t ext4 -L tiny-root -U deadbeef-0000-4000-8000-000000000002 -d "$root" -b 4096 -m 0 -J size=4 \
    -O ^metadata_csum_seed \
    -E root_owner=0:0,resize=16777216,hash_seed=deadbeef-0000-4000-8000-000000000001,lazy_itable_init=1 \
    "$out/tiny-rootfs.img" ${root_mib}M >/dev/null
}

make_boot() {
  truncate -s ${fat_mib}M "$work/fat"
  mkfs.vfat -n TINYBOOT -i 74696e79 --invariant "$work/fat" >/dev/null
  cat > "$work/syslinux.cfg" <<-'CFG'
	SERIAL 0 115200
	PROMPT 0
	TIMEOUT 1
	DEFAULT tiny
	LABEL tiny
	  LINUX /vmlinuz
	  INITRD /initrd
	  APPEND console=tty0 console=ttyS0,115200 panic=5 nomodeset
	CFG
  mmd -i "$work/fat" ::EFI ::EFI/BOOT
  mcopy -i "$work/fat" "$out/tiny-vmlinuz" ::vmlinuz
  mcopy -i "$work/fat" "$out/tiny-initrd" ::initrd
  mcopy -i "$work/fat" "$work/syslinux.cfg" ::syslinux.cfg
  mcopy -i "$work/fat" /usr/lib/SYSLINUX.EFI/efi64/syslinux.efi ::EFI/BOOT/BOOTX64.EFI
  mcopy -i "$work/fat" /usr/lib/syslinux/modules/efi64/ldlinux.e64 ::EFI/BOOT/ldlinux.e64
  syslinux --install "$work/fat"
}

make_disk() {
  local disk=$work/disk
  truncate -s $((1 + fat_mib + root_mib))M "$disk"
  printf 'label-id: 0x74696e79\n2048,%sM,ef,*\n%s,,83\n' $fat_mib $(((1 + fat_mib) * 2048)) |
    sfdisk -q --no-reread "$disk" 2>/dev/null
  dd if=/usr/lib/syslinux/mbr/mbr.bin of="$disk" conv=notrunc bs=440 count=1 status=none
  dd if="$work/fat" of="$disk" conv=notrunc,sparse bs=1M seek=1 status=none
  dd if="$out/tiny-rootfs.img" of="$disk" conv=notrunc,sparse bs=1M seek=$((1 + fat_mib)) status=none
  qemu-img convert -c -f raw -O qcow2 "$disk" "$work/tiny.qcow2"
  mv "$work/tiny.qcow2" "$out/tiny.qcow2"
}

mkdir -p "$out"
need_packages
unpack
make_tree
make_modules
make_ramdisk
make_rootfs
make_boot
make_disk
ls -l "$out"
