#!/bin/bash
# Boots Debian's kernel to a shell, types commands at it, and looks at what comes back.
#
#   test.sh PAGEWALK FOLDER [KERNEL [OPTIONS...]]      KERNEL is vmlinux or vmlinuz
set -uo pipefail
pagewalk=$(realpath "${1:?the pagewalk to run}")
cd "${2:?the folder of fetch.sh}" || exit 1
kernel=${3:-vmlinux}
shift $(($# < 3 ? $# : 3))
log=$kernel.log
rm -f commands && mkfifo commands
# The kernel tests its own cryptography for billions of instructions otherwise.
"$pagewalk" run --timing functional --memory 1G "$@" --initrd initrd.cpio \
  --append 'console=ttyS0 earlyprintk=serial,ttyS0 cryptomgr.notests nokaslr no_hash_pointers' "$kernel" < commands > "$log" 2> "$log.run" &
machine=$!
exec 3> commands
rm -f commands
failed=0
check() { # WHAT PATTERN
  if grep -qaE "$2" "$log"; then echo "pass: $1"; else echo "FAIL: $1 (no '$2' in $log)"; failed=1; fi
}
started=$(date +%s)
until grep -qa 'is up' "$log"; do
  kill -0 $machine 2> /dev/null || break
  [ $(($(date +%s) - started)) -lt "${PATIENCE:-600}" ] || { kill $machine; break; }
  sleep 0.2
done
echo "up after $(($(date +%s) - started)) seconds"
sleep 1
# The last command writes a byte to port F4h, which ends the run with status 0.
cat >&3 <<'END'
cat /proc/cpuinfo
cat /proc/iomem
cat /proc/vmallocinfo
cat /proc/interrupts
seq 1000 | sort -r | md5sum
awk 'BEGIN { printf "quotient %.12f\n", 355 / 113 }'
head -c 3000000 /dev/zero | gzip | gunzip | wc -c
echo sum $((6 * 7))
printf '\0' | dd of=/dev/port bs=1 seek=244 conv=notrunc
END
( sleep 120; kill $machine 2> /dev/null ) & watchdog=$!
wait $machine
status=$?
kill $watchdog 2> /dev/null
exec 3>&-
check 'the shell is there' 'Linux 6.* is up'
check 'the command line reaches the kernel' 'Kernel command line: .*cryptomgr.notests'
check 'a floating-point unit without faults' 'fpu_exception.*: yes'
check 'PAE' 'flags.* pae '
check 'RAM from 1 MiB' '00100000-3fffffff : System RAM'
check 'vmalloc areas' '0x[0-9a-f]{8}-0x[0-9a-f]{8} +[0-9]+ .*pages='
check 'timer interrupts' '0: +[0-9]+ .*timer'
check 'sorting and a digest' 'a1633ac8dd529995ee2b84872e91c9a0  -'
check 'a quotient of floating-point numbers' 'quotient 3.141592920354'
check 'three million bytes through gzip' '^3000000'
check 'the shell computes' 'sum 42'
[ $status = 0 ] || { echo "FAIL: the run ended with status $status: $(tail -1 "$log.run")"; failed=1; }
exit $failed
