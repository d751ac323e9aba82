#!/usr/bin/env bash
# Installs what is missing of the Debian packages Spikelens needs: install_packages.sh [--develop]
# --develop adds what the tests, ./run format and ./run lint use.
set -euo pipefail

build_packages=(
    g++ cmake ninja-build ccache
    libtorch-dev libopenblas-pthread-dev
    libjpeg-dev libpng-dev libtiff-dev libwebp-dev libhdf5-dev
    libcli11-dev libfmt-dev nlohmann-json3-dev
    libcurl4-openssl-dev libssl-dev zlib1g-dev libzip-dev liblz4-dev libzstd-dev
    libgtest-dev libgmock-dev libbenchmark-dev
    dataset-fashion-mnist ca-certificates
)
develop_packages=(clang-format clang-tidy python3 python3-dev python3-venv python3-h5py python3-numpy chromium
                  libopenmpi-dev openmpi-bin)

fail() {
    echo "install_packages.sh: $1" >&2
    exit 1
}

# Runs a command as root, through sudo when needed.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "'$*' needs root: run it as root, or install sudo."
    fi
}

is_installed() {
    dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

install_missing() {
    local missing=() package
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "Installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# LibTorch loads whichever BLAS the machine's alternatives select; the reference one is some 50 times slower.
select_openblas() {
    local library link openblas selected
    for library in libblas.so.3 liblapack.so.3; do
        link="$library-$(g++ -print-multiarch)"
        openblas="/usr/lib/${link#"$library"-}/openblas-pthread/$library"
        selected="$(update-alternatives --query "$link" 2>/dev/null | sed -n 's/^Value: //p')"
        if [ -e "$openblas" ] && [[ "$selected" != *openblas* ]]; then
            as_root update-alternatives --set "$link" "$openblas"
        fi
    done
}

command -v apt-get >/dev/null ||
    fail "this machine has no apt-get: install the packages named in this script another way."
packages=("${build_packages[@]}")
[ "${1:-}" != --develop ] || packages+=("${develop_packages[@]}")
install_missing "${packages[@]}"
select_openblas
