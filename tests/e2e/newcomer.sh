#!/usr/bin/env bash
# newcomer.sh [SECONDS] - proof 8: a fresh clone, an empty HOME, no caches: `make demo` must reach air.
# Prints what the demo prints; exits 0 when the demo's platform has received the live feed within SECONDS (600).
set -euo pipefail

seconds=${1:-600}
here=$(cd "$(dirname "$0")/../.." && pwd)
room=$(mktemp -d "${TMPDIR:-/tmp}/newcomer.XXXXXX")
demo=
end() {
    if [ -n "$demo" ] && kill -0 "$demo" 2>/dev/null; then
        kill -TERM -- "-$demo" 2>/dev/null || true
        for _ in $(seq 100); do kill -0 "$demo" 2>/dev/null || break; sleep 0.1; done
        kill -KILL -- "-$demo" 2>/dev/null || true
    fi
    rm -rf "$room"
}
trap end EXIT

mkdir "$room/home" "$room/tmp"
# What is committed and what is about to be, but nothing that git ignores: no virtual environment, no built page.
mkdir "$room/streamgate"
git -C "$here" ls-files -z --cached --others --exclude-standard |
    tar -C "$here" --null --files-from=- --ignore-failed-read -cf - | tar -xf - -C "$room/streamgate"

cd "$room/streamgate"
began=$SECONDS
set -m
env -i HOME="$room/home" TMPDIR="$room/tmp" LANG=C.UTF-8 \
    PATH="${NEWCOMER_PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}" \
    make demo >"$room/demo.log" 2>&1 &
demo=$!
set +m

gate() { .venv/bin/streamgate --data-dir "$1" status --json 2>/dev/null; }

while :; do
    if ! kill -0 "$demo" 2>/dev/null; then
        cat "$room/demo.log"
        echo "newcomer: make demo ended by itself" >&2
        exit 1
    fi
    for run in $(find . -name run -type l -not -path './.venv/*' 2>/dev/null); do
        data=$(dirname "$run")
        if gate "$data" | grep -Eq '"state": ?"live".*"lead_s": ?[0-9]'; then
            cat "$room/demo.log"
            echo "newcomer: on air $((SECONDS - began)) s after 'make demo'"
            exit 0
        fi
    done
    if [ $((SECONDS - began)) -gt "$seconds" ]; then
        cat "$room/demo.log"
        echo "newcomer: not on air after $seconds s" >&2
        exit 1
    fi
    sleep 1
done
