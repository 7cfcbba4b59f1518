# shellcheck shell=sh
#
# Sourced by quickstart.sh and check.sh: what each part of the project needs, and how to get it.
#
#   setup_need GROUP...   makes sure that everything of these groups is here: installs what is
#                         missing with apt, and elsewhere names it and fails
#
# A line is: group, Debian package, and what it is there for: a command, pc:MODULE (asked of
# pkg-config) or file:PATTERN. Only what is missing is installed, so a tool that came from
# somewhere else is left alone.

setup_table() {
	cat <<-'TABLE'
		build   gcc                 gcc
		build   libc6-dev           file:/usr/include/stdlib.h
		build   make                make
		build   autoconf            autoconf
		build   automake            automake
		build   libtool             libtoolize
		build   pkg-config          pkg-config
		build   libjansson-dev      pc:jansson
		build   libarchive-dev      pc:libarchive
		build   libmicrohttpd-dev   pc:libmicrohttpd
		build   libinih-dev         pc:inih
		build   libcurl4-openssl-dev pc:libcurl
		build   libsystemd-dev      pc:libsystemd
		build   libcgroup-dev       pc:libcgroup
		unit    check               pc:check
		unit    curl                curl
		unit    jq                  jq
		unit    procps              pgrep
		unit    python3             python3
		clang   clang               clang
		clang   libclang-rt-14-dev  file:/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
		arch    gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
		arch    libc6-dev-arm64-cross file:/usr/aarch64-linux-gnu/lib/libc.a
		arch    qemu-user           qemu-aarch64
		dist    xz-utils            xz
		lint    clang-format        clang-format
		lint    shellcheck          shellcheck
		lint    binutils            nm
		lint    git                 git
		lint    groff-base          groff
		live    procps              pgrep
		live    util-linux          taskset
		live    jq                  jq
		docker  docker.io           dockerd
		docker  iptables            iptables
		docker  busybox-static      busybox
		live    curl                curl
		model   spin                spin
		vm      qemu-system-x86     qemu-system-x86_64
		vm      mmdebstrap          mmdebstrap
		vm      e2fsprogs           mke2fs
	TABLE
}

setup_has() { # is what $1 stands for here?
	case $1 in
	pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
	file:*)
		# shellcheck disable=SC2086 # a pattern
		set -- ${1#file:}
		[ -e "$1" ]
		;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

setup_missing() { # the packages of the groups "$@" that are not here
	setup_table | while read -r group package proof; do
		case " $* " in
		*" $group "*) setup_has "$proof" || echo "$package" ;;
		esac
	done | tr '\n' ' '
}

setup_apt() { # apt-get "$@", as root
	if [ "$(id -u)" = 0 ]; then
		DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"
	else
		sudo DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"
	fi
}

setup_need() {
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/go/bin
	setup_list=$(setup_missing "$@")
	[ -n "$setup_list" ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "These are missing: $setup_list(Debian's names)." >&2
		echo "Please install them with your system's package manager and try again." >&2
		return 1
	fi
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		echo "These packages are missing; as root, please run:" >&2
		echo "    apt-get update && apt-get install $setup_list" >&2
		return 1
	fi
	echo "Installing with apt: $setup_list" >&2
	# shellcheck disable=SC2086 # a list
	if ! { setup_apt update && setup_apt install --yes --no-install-recommends $setup_list; } >&2; then
		echo "apt could not install: $setup_list" >&2
		return 1
	fi
}
