#!/bin/sh
# vm.sh - run a command in a throw-away Debian 12 virtual machine with systemd as PID 1.
#
#   vm.sh build                          build (or reuse) the cached image
#   vm.sh [options] -- COMMAND [ARG...]  boot, run COMMAND in the guest, print its
#                                        output, return its exit status
# Options:
#   --cgroup v2|hybrid|v1  cgroup layout of the guest (default v2)
#   --smp N                guest CPUs; may exceed the host's (default 4)
#   --mem MB               guest memory (default 1536)
#   --share DIR            host folder mounted read-write at /host in the guest, which is
#                          also the command's working folder (default: current folder)
#   --timeout SECONDS      give up, with status 124, after this long (default 300)
#   --console FILE         keep the guest's kernel and systemd console log in FILE
#   --accel tcg|kvm        default tcg: software emulation, needs no /dev/kvm
# Environment:
#   VM_CACHE     where images are kept   (default ~/.cache/corun-vm)
#   VM_PACKAGES  extra Debian packages   (for example "docker.io"; each set has its own image;
#                their services do not start at boot: the command starts what it needs)
#   VM_MIRROR    Debian mirror, the address above "debian" (default: the one that apt uses here)
# Needs root, and the Debian packages qemu-system-x86 mmdebstrap e2fsprogs (4 GB sparse disk,
# about 700 MB of it used). The guest has no network but loopback.
# Status 125: the machine could not be built or did not report a status.
set -eu

BASE_PACKAGES="systemd systemd-sysv dbus kmod procps iproute2 util-linux busybox-static crun \
libjansson4 libarchive13"

die() { echo "vm.sh: $*" >&2; exit 125; }
usage() { sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0"; }

cgroup=v2 smp=4 mem=1536 share=$PWD timeout=300 console='' accel=tcg action=run
while [ $# -gt 0 ]; do
	case $1 in
	--cgroup) cgroup=$2; shift 2 ;;
	--smp) smp=$2; shift 2 ;;
	--mem) mem=$2; shift 2 ;;
	--share) share=$2; shift 2 ;;
	--timeout) timeout=$2; shift 2 ;;
	--console) console=$2; shift 2 ;;
	--accel) accel=$2; shift 2 ;;
	--help | -h) usage; exit 0 ;;
	build) action=build; shift ;;
	--) shift; break ;;
	*) die "unknown argument '$1' (see --help)" ;;
	esac
done
[ "$action" = build ] || [ $# -gt 0 ] || die "no command given (see --help)"
[ "$(id -u)" = 0 ] || die "must run as root"
for tool in qemu-system-x86_64 mmdebstrap mke2fs; do
	command -v "$tool" >/dev/null || die "$tool is missing"
done
case $cgroup in
v2) cgroup_args="systemd.unified_cgroup_hierarchy=1" ;;
hybrid) cgroup_args="systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0" ;;
v1) cgroup_args="systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1" ;;
*) die "--cgroup must be v2, hybrid or v1" ;;
esac
case $accel in
tcg) accel_args="-accel tcg,thread=multi -cpu Nehalem" ;;
kvm) accel_args="-accel kvm -cpu host" ;;
*) die "--accel must be tcg or kvm" ;;
esac

# ---- the image: kernel, initrd and disk, rebuilt when this part or the set of packages changes
cache=${VM_CACHE:-${HOME:-/root}/.cache/corun-vm}
apt_mirror() { # the first archive that apt has indexes of, without its last path component
	# shellcheck disable=SC2016 # $(SITE) is for apt
	apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | sed -n '1s,/debian[^/]*$,,p'
}
mirror=${VM_MIRROR:-$(apt_mirror)}
[ -n "$mirror" ] || die "no mirror: run apt-get update, or set VM_MIRROR"
key=$( { sed -n '/^# ---- the image/,/^# ---- the run/p' "$0"
	echo "$BASE_PACKAGES ${VM_PACKAGES:-} $mirror"; } | sha256sum | cut -c1-16)
image=$cache/$key

guest_files() { # the guest's own files, under root folder $1
	mkdir -p "$1/host" "$1/ctl" "$1/etc/systemd/system"
	echo corun-vm >"$1/etc/hostname"
	printf '127.0.0.1 localhost corun-vm\n' >"$1/etc/hosts"
	: >"$1/etc/fstab"
	cat >"$1/etc/systemd/system/vm-run.service" <<-'UNIT'
		[Unit]
		Description=Run the command handed in by the host
		[Service]
		ExecStart=/usr/local/sbin/vm-run
	UNIT
	mkdir -p "$1/etc/systemd/system/multi-user.target.wants"
	ln -s ../vm-run.service "$1/etc/systemd/system/multi-user.target.wants/"
	cat >"$1/usr/local/sbin/vm-run" <<-'RUN'
		#!/bin/sh
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
		export PATH HOME LANG
		modprobe -a 9p 9pnet_virtio virtio_console overlay
		opts=trans=virtio,version=9p2000.L,msize=262144
		systemctl is-system-running --wait >/dev/null
		mount -t 9p -o $opts ctl /ctl && mount -t 9p -o $opts host /host && cd /host
		/bin/sh /ctl/command </dev/null >"$(echo /dev/vport*p1)" 2>&1
		echo $? >/ctl/status
		sync
		umount /ctl
		systemctl poweroff --force --force
	RUN
	chmod 755 "$1/usr/local/sbin/vm-run"
	for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service \
		fstrim.timer dpkg-db-backup.timer getty@tty1.service serial-getty@ttyS0.service \
		getty-static.service systemd-networkd-wait-online.service \
		modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service \
		modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service; do
		ln -sf /dev/null "$1/etc/systemd/system/$unit"
	done
	rm -f "$1"/etc/systemd/system/multi-user.target.wants/docker.service \
		"$1"/etc/systemd/system/multi-user.target.wants/containerd.service
}

build_initrd() { # $1 root folder, $2 kernel version, $3 initrd to write
	mkdir -p "$tmp/initrd/bin" "$tmp/initrd/m" "$tmp/initrd/root" "$tmp/initrd/dev" "$tmp/initrd/proc"
	cp "$1/bin/busybox" "$tmp/initrd/bin/busybox"
	chroot "$1" depmod "$2"
	{
		printf '#!/bin/busybox sh\n/bin/busybox mount -t devtmpfs d /dev\n'
		for module in virtio_pci virtio_blk ext4 crc32c_generic; do
			chroot "$1" modprobe -S "$2" --show-depends "$module"
		done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
			cp "$1$file" "$tmp/initrd/m/"
			echo "/bin/busybox insmod /m/${file##*/}"
		done
		printf '/bin/busybox mount -t ext4 /dev/vda /root\n'
		printf '/bin/busybox umount /dev\n'
		# shellcheck disable=SC2016
		printf 'exec /bin/busybox switch_root /root /sbin/init "$@"\n'
	} >"$tmp/initrd/init"
	chmod 755 "$tmp/initrd/init"
	(cd "$tmp/initrd" && find . | bin/busybox cpio -o -H newc) | gzip -1 >"$3"
}

build_image() {
	echo "vm.sh: building image $image" >&2
	mkdir -p "$cache"
	find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} +
	tmp=$(mktemp -d "$cache/build.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	root=$tmp/root
	packages=$(echo "$BASE_PACKAGES ${VM_PACKAGES:-}" | tr -s ' ' ,)
	mmdebstrap --quiet --mode=root --variant=minbase --include="${packages%,}" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$root" \
		"deb $mirror/debian bookworm main" "deb $mirror/debian bookworm-updates main" \
		"deb $mirror/debian-security bookworm-security main" >&2 || die "mmdebstrap failed"
	# the kernel, unpacked rather than installed: it would bring initramfs-tools and udev
	mount -t proc proc "$root/proc"
	# shellcheck disable=SC2016
	chroot "$root" sh -ec 'apt-get -qq update && cd /tmp && apt-get -qq download \
		"$(apt-cache depends linux-image-amd64 | sed -n "s/.*Depends: //p")" &&
		dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x --keep-directory-symlink -C / &&
		rm -rf linux-image-*.deb /var/lib/apt/lists/*' >&2 || {
		umount "$root/proc"; die "the kernel could not be fetched"; }
	umount "$root/proc"
	version=$(basename "$root"/lib/modules/*)
	mkdir "$tmp/image"
	mv "$root/boot/vmlinuz-$version" "$tmp/image/vmlinuz"
	rm -rf "$root/lib/modules/$version/kernel/drivers/gpu" "$root/lib/modules/$version/kernel/sound" \
		"$root/lib/modules/$version/kernel/drivers/media" "$root/lib/modules/$version/kernel/drivers/net/wireless"
	build_initrd "$root" "$version" "$tmp/image/initrd"
	guest_files "$root"
	mke2fs -q -t ext4 -d "$root" -m 0 "$tmp/image/disk" 4G || die "mke2fs failed"
	rm -rf "$image"
	mv "$tmp/image" "$image"
	rm -rf "$tmp"
	trap - EXIT
}

[ -f "$image/disk" ] || build_image
touch "$image"
[ "$action" = run ] || { echo "$image"; exit 0; }

# ---- the run
ctl=$(mktemp -d)
trap 'rm -rf "$ctl"' EXIT
for arg in "$@"; do
	printf "'%s' " "$(printf %s "$arg" | sed "s/'/'\\\\''/g")"
done >"$ctl/command"
mkfifo "$ctl/output"
cat "$ctl/output" &
cat_pid=$!
qemu_pid=
trap 'kill $qemu_pid "$cat_pid" 2>/dev/null || :; rm -rf "$ctl"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
# shellcheck disable=SC2086
timeout "$timeout" qemu-system-x86_64 $accel_args -M q35 -smp "$smp" -m "$mem" \
	-nodefaults -display none -no-reboot -nic none -serial "file:${console:-/dev/null}" \
	-kernel "$image/vmlinuz" -initrd "$image/initrd" \
	-append "console=ttyS0 quiet panic=-1 mitigations=off apparmor=0 audit=0 random.trust_cpu=1 \
systemd.show_status=0 $cgroup_args" \
	-drive "file=$image/disk,format=raw,if=virtio,snapshot=on,cache=unsafe" \
	-device virtio-rng-pci -device virtio-serial-pci \
	-chardev "file,id=out,path=$ctl/output" -device virtserialport,chardev=out,name=out \
	-virtfs "local,path=$ctl,mount_tag=ctl,security_model=none" \
	-virtfs "local,path=$share,mount_tag=host,security_model=none" </dev/null &
qemu_pid=$!
rc=0
wait "$qemu_pid" || rc=$?
if [ "$rc" = 124 ] || [ -s "$ctl/status" ]; then wait "$cat_pid" || :; fi
[ "$rc" != 124 ] || { echo "vm.sh: no answer within $timeout seconds" >&2; exit 124; }
[ -s "$ctl/status" ] || die "the guest ended without a status (qemu: $rc)"
exit "$(cat "$ctl/status")"
