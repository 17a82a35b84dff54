# SPDX-License-Identifier: Apache-2.0
# What contrib/quickstart and contrib/check install, and how. Sourced by both.
# shellcheck shell=sh disable=SC2034,SC2046

# Debian's and Ubuntu's names; PROBES has what says that a library is there, for other systems.
BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config libglib2.0-dev libjson-c-dev libseccomp-dev
  libcap-dev libcurl4-openssl-dev libssl-dev libarchive-dev libzstd-dev zlib1g-dev libisal-dev
  libslirp-dev libsystemd-dev libyaml-dev uidmap ca-certificates"

TEST_PACKAGES="clang libclang-rt-dev clang-format-14 clang-tidy-14 cppcheck universal-ctags git python3 python3-jsonschema curl
  iproute2 iputils-ping procps psmisc e2fsprogs strace util-linux passwd openssl apache2-utils
  busybox-static bind9-dnsutils passt docker-registry skopeo umoci buildah netavark crun iperf3 mmdebstrap zstd xz-utils
  libcap2-bin attr scdoc gnupg openssh-client systemd-container qemu-system-x86"

PROBES="glib-2.0 json-c libseccomp libcap libcurl libcrypto libarchive libzstd zlib libisal slirp
  yaml-0.1"

# The names elsewhere, to be told to the user.
FEDORA_PACKAGES="gcc meson ninja-build pkgconf glib2-devel glib2-static json-c-devel libseccomp-devel
  libcap-devel libcap-static libcurl-devel openssl-devel libarchive-devel libzstd-devel zlib-devel
  isa-l-devel libslirp-devel libyaml-devel systemd-devel glibc-static pcre2-static shadow-utils"
ARCH_PACKAGES="gcc meson ninja pkgconf glib2 json-c libseccomp libcap curl openssl libarchive zstd zlib
  isa-l libslirp libyaml systemd-libs shadow"

say() {
	printf '%s\n' "$*" >&2
}

# Run a command as root: as we are, or through sudo.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		say "This needs root, and there is no sudo here. As root, run:"
		say "  $*"
		return 1
	fi
}

# Is this Debian, Ubuntu or one of theirs?
has_apt() {
	command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1
}

# Print those of the packages given that are not installed.
missing_packages() {
	for package in "$@"; do
		case "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" in
		ii*) ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

# Run a command; what it prints is kept in a file and shown only when it fails: quietly LOG COMMAND...
quietly() {
	log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null && return 0
	tail -n 40 "$log" >&2
	say "This failed: $*"
	return 1
}

# Install what is missing of the packages given: install_packages NEEDED... -- OPTIONAL...
# An optional package that this release does not have is named and left out.
install_packages() {
	[ -n "$(missing_packages $(printf '%s\n' "$@" | grep -v '^--$'))" ] || return 0
	say "Packages are missing. Updating the package lists$([ "$(id -u)" -eq 0 ] || printf ' with sudo')."
	apt_log=$(mktemp)
	quietly "$apt_log" as_root apt-get -qq update ||
		say "The package lists could not be updated; going on with those that are here."
	missing=
	optional=false
	for package in "$@"; do
		if [ "$package" = -- ]; then
			optional=true
		elif [ -z "$(missing_packages "$package")" ]; then
			:
		elif $optional && ! apt-cache show --no-all-versions "$package" >/dev/null 2>&1; then
			say "No package '$package' here: tests that need it are skipped and counted."
		else
			missing="$missing $package"
		fi
	done
	failed=false
	if [ -n "$missing" ]; then
		say "Installing:$missing"
		# shellcheck disable=SC2086  # a list of words
		quietly "$apt_log" as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get -q install -y --no-install-recommends $missing || failed=true
	fi
	rm -f "$apt_log"
	$failed || return 0
	say "Have them installed in another way, or as root, then run this again."
	return 1
}
