#!/bin/bash
# prepare.sh FOLDER: installs Debian's chromium with its driver where they are missing, and a Python with selenium in FOLDER/python.
set -euo pipefail
folder=$1
here=$(dirname "$0")
packages=()
[ -x /usr/bin/chromium ] || packages+=(chromium)
[ -x /usr/bin/chromedriver ] || packages+=(chromium-driver)
python3 -c 'import ensurepip, venv' 2> /dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
  root=
  if [ "$(id -u)" != 0 ]; then root='sudo -n'; fi
  if ! command -v apt-get > /dev/null || { [ -n "$root" ] && ! $root true 2> /dev/null; }; then
    echo "Please install: ${packages[*]}" >&2
    exit 1
  fi
  $root apt-get update -qq || true
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" fonts-dejavu-core
fi
if ! "$folder/python/bin/python" -c 'import selenium' 2> /dev/null; then
  mkdir -p "$folder"
  python3 -m venv "$folder/python"
  "$folder/python/bin/pip" install -q -r "$here/requirements.txt"
fi
