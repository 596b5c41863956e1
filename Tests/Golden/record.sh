#!/bin/sh
# Records all goldens anew: for a change that is meant to show in most of them. For one golden, `pagewalk trace bless` shows the
# difference first. Runs in the project's folder: make goldens.
set -eu
pagewalk=${1:?the pagewalk to record with}
images=.build/images
paging=walk,tlb-fill,tlb-evict,flush,pte-store,fault,interrupt,task,mode,console

record() { # NAME KINDS IMAGE OPTIONS...
  name=$1 kinds=$2 image=$3
  shift 3
  mkdir -p "$(dirname "Tests/Golden/$name")"
  "$pagewalk" trace record --quiet -e "$kinds" "$@" "$images/$image.elf" -o "Tests/Golden/$name"
}

record hello.trace port,task,mode,walk,flush,fault hello --memory 16M
record hello-instructions.pwt all hello --memory 16M
record paging-tour.pwt "$paging" paging-tour --memory 64M
record stale.pwt "$paging" stale --memory 64M
record fpu-tour.pwt port,fault,interrupt,task,mode,console fpu-tour --memory 16M
record system-tour.pwt "$paging" system-tour --memory 64M
record tlb-probe.pwt flush,fault,interrupt,task,mode,console tlb-probe --memory 1G
record tlb-probe-window.pwt all tlb-probe --memory 1G --cycles 2000000-2050000
record minikernel.pwt walk,flush,pte-store,fault,interrupt,mmio,task,mode,console minikernel --memory 6G
record minikernel-flushes.trace flush,fault,task,mode minikernel --memory 6G
record vmalloc-tour.pwt walk,flush,pte-store,fault,mmio,task,mode,console vmalloc-tour --memory 6G
record vmalloc-stress.pwt walk,flush,pte-store,fault,task,mode,console vmalloc-stress \
  --memory 64M --append "seed=7 operations=300"
record vmalloc-bench.pwt walk,flush,pte-store,fault,task,mode,console vmalloc-bench --memory 256M --cycles 0-20000000
record bench.pwt all bench --memory 64M --append "scale=1" --cycles 3000000-3100000

for build in plain padded changed; do
  record "rebuilt/$build.pwt" walk,flush,pte-store,fault,task,mode "rebuilt/$build" --memory 16M
done

for guest in images/deaths/*.S; do
  death=$(basename "$guest" .S)
  record "deaths/$death.trace" walk,flush,pte-store,fault,mode "deaths/$death" --memory 16M
done

for guest in images/missing-flush/*.c; do
  bug=$(basename "$guest" .c)
  case $bug in
  bug) ;;
  fine-*) record "missing-flush/$bug.trace" walk,flush,pte-store,fault,mode "missing-flush/$bug" --memory 16M ;;
  *)
    record "missing-flush/$bug.trace" walk,flush,pte-store,fault,mode "missing-flush/$bug" --memory 16M
    record "missing-flush/$bug-fixed.trace" walk,flush,pte-store,fault,mode "missing-flush/$bug-fixed" --memory 16M
    ;;
  esac
done
