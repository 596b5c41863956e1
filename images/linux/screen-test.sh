#!/bin/bash
# The same kernel with the text screen and the PS/2 keyboard as its console. What is typed comes at a cycle, so every run is the same.
#
#   screen-test.sh PAGEWALK FOLDER
set -uo pipefail
pagewalk=$(realpath "${1:?the pagewalk to run}")
cd "${2:?the folder of fetch.sh}" || exit 1
cat > keys.txt <<'END'
echo keys $((6 * 7)); printf '\0' | dd of=/dev/port bs=1 seek=244 conv=notrunc
END
"$pagewalk" run --timing functional --memory 1G --keyboard --input keys.txt@900000000 --max-cycles 2000000000 \
  --initrd initrd.cpio --append 'console=tty0 cryptomgr.notests nokaslr' vmlinux > screen.log 2> screen.log.run
status=$?
if [ $status = 0 ] && grep -q '^keys 42' screen.log; then
  echo 'pass: the screen and the keyboard are a console'
else
  echo "FAIL: the screen and the keyboard as console: status $status, see $PWD/screen.log"
  exit 1
fi
