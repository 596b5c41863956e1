#!/bin/bash
# An ext4 file system on the IDE disk: the kernel's own drivers read it and write to it, and e2fsck looks at what came of it.
#
#   disk-test.sh PAGEWALK FOLDER
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pagewalk=$(realpath "${1:?the pagewalk to run}")
cd "${2:?the folder of fetch.sh}" || exit 1
PATH=$PATH:/usr/sbin:/sbin
modules='scsi_common scsi_mod libata crct10dif_common crct10dif_generic crc-t10dif crc64 crc64_rocksoft_generic crc64-rocksoft
  t10-pi sd_mod crc16 crc32c_generic mbcache jbd2 ext4 pata_legacy'
fail() { echo "FAIL: $*"; exit 1; }
command -v mke2fs > /dev/null || fail 'e2fsprogs is needed for a file system'
files=$(for name in $modules; do find packages/lib/modules -name "$name.ko"; done)
perl "$here/initrd.pl" --files modules $files > modules.cpio || fail 'the modules can not be packed'
rm -rf disk && mkdir disk && seq 20000 > disk/numbers
rm -f disk.img && truncate -s 16M disk.img && mke2fs -q -t ext4 -d disk disk.img || fail 'mke2fs'
cat > disk.txt <<END

cd /modules; for name in $(echo $modules); do insmod ./\$name.ko; done; sleep 2; mkdir /mnt; mount /dev/sda /mnt
md5sum /mnt/numbers; seq 30000 > /mnt/more; umount /mnt; printf '\0' | dd of=/dev/port bs=1 seek=244 conv=notrunc
END
"$pagewalk" run --timing functional --memory 1G --disk disk.img:rw --input disk.txt@1200000000 --max-cycles 6000000000 \
  --initrd initrd.cpio --initrd modules.cpio --append 'console=ttyS0 cryptomgr.notests nokaslr' vmlinux > disk.log 2> disk.log.run
status=$?
[ $status = 0 ] || fail "the run ended with status $status, see $PWD/disk.log"
grep -qa "$(md5sum < disk/numbers | cut -d' ' -f1)" disk.log || fail "what the kernel reads from the disk, see $PWD/disk.log"
e2fsck -fn disk.img > disk.fsck 2>&1 || fail "e2fsck on what the kernel wrote, see $PWD/disk.fsck"
[ "$(debugfs -R 'cat more' disk.img 2> /dev/null | md5sum)" = "$(seq 30000 | md5sum)" ] || fail 'what the kernel wrote'
echo 'pass: ext4 on the IDE disk is read and written'
