# Shared by the scripts: run as root, or through sudo; install Debian packages only when some are missing.

set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# install_packages NAME...
install_packages() {
  local missing=()
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "installing: ${missing[*]}"
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# What the command itself is built from.
build_packages=(g++ cmake ninja-build pkg-config ca-certificates libssl-dev zlib1g-dev liblzma-dev libzstd-dev libbz2-dev
  liblz4-dev libarchive-dev libext2fs-dev libsquashfs-dev libfmt-dev libcli11-dev nlohmann-json3-dev libtomlplusplus-dev
  libp11-kit-dev libtss2-dev clang-19 libbpf-dev)

# What the tests use beyond that: libraries, and the tools that they compare with.
test_packages=(libgtest-dev librapidcheck-dev openssl gzip bzip2 xz-utils zstd lz4 lzop binutils python3 sbsigntool pesign
  osslsigncode libnss3-tools qemu-system-x86 cpio ima-evm-utils attr busybox-static keyutils kmod e2fsprogs
  linux-kbuild-6.1 make dkms softhsm2 opensc swtpm tpm2-tools ovmf fsverity rpm xorriso mtools dosfstools fdisk squashfs-tools erofs-utils)

# What scripts/tidy uses.
tidy_packages=(clang-19 clang-tidy-19 libclang-rt-19-dev)
