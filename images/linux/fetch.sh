#!/bin/bash
# Fetches Debian's i386 kernel and busybox with apt into a folder and makes of them what the machine boots: vmlinuz as the
# package has it, vmlinux (the ELF inside it), System.map where there is one, and initrd.cpio. apt keeps its state in that folder
# too: nothing is installed, and nothing of the host's is changed.
#
#   fetch.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?the folder to fetch into}"
cd "$1"
fail() { echo "$*" >&2; exit 1; }
for tool in apt-get apt-cache dpkg xz perl; do
  command -v $tool > /dev/null || fail "$tool is needed to fetch Debian's kernel"
done

if [ ! -f vmlinux ] || [ ! -f initrd.cpio ]; then
  mkdir -p apt/state apt/lists/partial apt/cache/archives/partial
  touch apt/status
  cat > apt/apt.conf <<END
APT::Architecture "i386";
APT::Architectures { "i386"; };
Dir::State "$PWD/apt/state";
Dir::State::lists "$PWD/apt/lists";
Dir::State::status "$PWD/apt/status";
Dir::Cache "$PWD/apt/cache";
END
  export APT_CONFIG=$PWD/apt/apt.conf
  # One index that can't be had does no harm as long as the packages are in another.
  apt-get update -qq > apt/log 2>&1 || true
  kernel=$(apt-cache depends linux-image-686-pae 2>> apt/log | awk '/Depends: linux-image-.*686-pae/ { print $2; exit }' || true)
  [ -n "$kernel" ] || { tail -3 apt/log >&2; fail "no linux-image-686-pae can be had: no network, or a Debian without i386 kernels"; }
  kernel=${kernel%%:*}
  rm -f apt/cache/*.deb
  (cd apt/cache && apt-get download -qq "$kernel:i386" busybox-static:i386 >> ../log 2>&1) \
    || { tail -3 apt/log >&2; fail "$kernel or busybox-static can't be fetched"; }
  rm -rf packages
  for package in apt/cache/*.deb; do
    echo "$(dpkg-deb -f "$package" Package) $(dpkg-deb -f "$package" Version)"
    dpkg -x "$package" packages
  done | tee versions.part
  mv versions.part versions
  cp packages/boot/vmlinuz-* vmlinuz
  # The setup header says where the compressed kernel lies: Linux, Documentation/arch/x86/boot.rst.
  perl -e 'local $/; my $b = <STDIN>; my ($o, $n) = unpack "VV", substr $b, 0x248, 8;
    binmode STDOUT; print substr $b, (ord(substr $b, 0x1F1, 1) + 1) * 512 + $o, $n' < vmlinuz \
    | xz -dc --single-stream > vmlinux.part
  mv vmlinux.part vmlinux
  perl "$here/initrd.pl" packages/bin/busybox "$here/init" > initrd.cpio
else
  cat versions
fi
