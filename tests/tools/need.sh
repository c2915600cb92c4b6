#!/usr/bin/env bash
# need.sh [obs] - see to it that the system packages the tests use are there.
# Says which are missing and why before it installs them through apt (with sudo when not root).
set -euo pipefail

missing=()
why=()

# want PACKAGE REASON TEST...: the package is missing when TEST fails.
want() {
    local package=$1 reason=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        missing+=("$package")
        why+=("  $package: $reason")
    fi
}

has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1"; }
has_rtmp_module() { ls /usr/lib/nginx/modules/ngx_rtmp_module.so || ls /usr/share/nginx/modules/ngx_rtmp_module.so; }
has_postgresql() { ls /usr/lib/postgresql/*/bin/initdb; }
has_pango() { PATH="$PATH:/sbin" ldconfig -p | grep -q libpangoft2-1.0; }
has_chinese() { has fc-list && fc-list :lang=zh | grep -q Noto; }

want ffmpeg "publishes test feeds, decodes recordings" has ffmpeg
want nginx "stands in for a streaming platform" has nginx
want libnginx-mod-rtmp "stands in for a streaming platform" has_rtmp_module
want chromium "opens the operators' page" has chromium
want fontconfig "finds fonts" has fc-list
want fonts-noto-cjk "Chinese text on slate and page" has_chinese
want libpangoft2-1.0-0 "review forms as PDF" has_pango
want postgresql "the database of the tests of the store" has_postgresql
want openssl "stands in for a time stamping authority" has openssl
want iproute2 "a network of its own for a name server that hangs" has ip
if [ "${1:-}" = obs ]; then
    want obs-studio "a real OBS as encoder" has obs
    want xvfb "a screen for OBS" has Xvfb
    want xdotool "closes OBS cleanly" has xdotool
fi

[ ${#missing[@]} -gt 0 ] || exit 0

echo "The tests use system packages that this machine lacks:"
printf '%s\n' "${why[@]}"
if ! has apt-get >/dev/null; then
    echo "There is no apt-get here: install their like with this system's own package manager, then run again." >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! has sudo >/dev/null; then
        echo "Installing them needs root, and there is no sudo. As root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "Installing them now: ${as_root[*]:-} apt-get install ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
