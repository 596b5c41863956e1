#!/bin/bash
# A booted kernel from a snapshot: it starts in under a second, and ends as the run that was never saved, cycle for cycle.
#
#   snapshot-test.sh PAGEWALK FOLDER
set -uo pipefail
pagewalk=$(realpath "${1:?the pagewalk to run}")
cd "${2:?the folder of fetch.sh}" || exit 1
fail() { echo "FAIL: $*"; exit 1; }
machine=(--timing functional --memory 1G --initrd initrd.cpio --append 'console=ttyS0 cryptomgr.notests nokaslr')
cat > late.txt <<'END'

cat /proc/interrupts; seq 300 | md5sum; printf '\0' | dd of=/dev/port bs=1 seek=244 conv=notrunc
END
"$pagewalk" run "${machine[@]}" --quiet --input late.txt@1200000000 --stats-file plain.json vmlinux > plain.log || fail 'the plain run'
"$pagewalk" snapshot save "${machine[@]}" --when 'is up' --input late.txt@1200000000 -o booted.snap vmlinux > saved.log 2> saved.log.run \
  || fail "saving: $(cat saved.log.run)"
cat saved.log.run
began=$(date +%s%N)
"$pagewalk" snapshot load --quiet --max-cycles 1 booted.snap > /dev/null
milliseconds=$((($(date +%s%N) - began) / 1000000))
echo "loaded in $milliseconds ms"
"$pagewalk" snapshot load --quiet --input late.txt@1200000000 --stats-file loaded.json booted.snap > loaded.log || fail 'the loaded run'
cat saved.log loaded.log | cmp - plain.log || fail 'what was printed'
# The one difference is how it began.
without_start() { sed -E 's/"start":"[^"]*"//' "$1"; }
[ "$(without_start plain.json)" = "$(without_start loaded.json)" ] || fail 'the counts of plain.json and loaded.json'
[ "$milliseconds" -lt "${LOAD_LIMIT:-1000}" ] || fail 'loading took a second or more'
echo 'pass: a snapshot of a booted kernel goes on as the run itself'
