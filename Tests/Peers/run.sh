#!/bin/sh
# Prints what a guest image says on its serial console under another emulator:
#
#   Tests/Peers/run.sh qemu|bochs IMAGE [ARGUMENTS]
#
# Ends when the guest has printed a line that ends in PASS or FAIL, or after two minutes. Status 3: the emulator is not installed.
set -eu
peer=$1 image=$2 arguments=${3:-}

have() { command -v "$1" > /dev/null 2>&1; }

folder=$(mktemp -d)
trap 'kill $child 2> /dev/null || true; rm -rf "$folder"' EXIT
child=

case $peer in
qemu)
  have qemu-system-i386 || exit 3
  qemu-system-i386 -accel tcg -cpu pentium3 -m 64 -nodefaults -display none -serial "file:$folder/serial" \
    -device isa-debug-exit,iobase=0xf4 -no-reboot -kernel "$image" -append "$arguments" > /dev/null 2>&1 &
  child=$!
  ;;
bochs)
  for tool in bochs grub-mkrescue xorriso mformat script setpriv; do have $tool || exit 3; done
  bios=/usr/share/bochs/BIOS-bochs-latest vga=/usr/share/bochs/VGABIOS-lgpl-latest
  [ -r $bios ] && [ -r $vga ] || exit 3
  mkdir -p "$folder/disc/boot/grub"
  cp "$image" "$folder/disc/boot/guest.elf"
  printf 'set timeout=0\nmenuentry guest {\n  multiboot /boot/guest.elf %s\n  boot\n}\n' "$arguments" \
    > "$folder/disc/boot/grub/grub.cfg"
  grub-mkrescue -o "$folder/guest.iso" "$folder/disc" > /dev/null 2>&1
  cat > "$folder/bochsrc" <<END
megs: 64
cpu: model=p3_katmai, reset_on_triple_fault=0
romimage: file=$bios
vgaromimage: file=$vga
ata0-master: type=cdrom, path=$folder/guest.iso, status=inserted
boot: cdrom
display_library: term
com1: enabled=1, mode=file, dev=$folder/serial
log: $folder/log
clock: sync=none
sound: driver=dummy
END
  echo c > "$folder/commands"
  # Debian's Bochs has its debugger built in, which is told to continue, and a display that wants a terminal.
  TERM=xterm script -qc "setpriv --pdeathsig KILL bochs -q -f $folder/bochsrc -rc $folder/commands" /dev/null \
    > /dev/null 2>&1 < /dev/null &
  child=$!
  ;;
*) exit 2 ;;
esac

seconds=0
while [ $seconds -lt 240 ]; do
  if grep -qE '(PASS|FAIL)$' "$folder/serial" 2> /dev/null; then
    # A guest may print such lines before its last one.
    size=$(wc -c < "$folder/serial")
    sleep 1
    [ "$size" = "$(wc -c < "$folder/serial")" ] && break
  fi
  sleep 0.5
  seconds=$((seconds + 1))
done
tr -d '\r' < "$folder/serial"
