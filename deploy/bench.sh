#!/bin/bash
# Speed and memory, beside PostgreSQL and SQLite in the same run. Ends with a table of medians, ratios and bars.
#
#   deploy/bench.sh [--quick] [--rounds N] [--check-bars] [--folder DIR] [ROW…]
#
# On a fresh Debian 12, as root or with sudo, it installs what is missing and builds; --help names the rows. It works in
# a temporary folder on the disk of /var/tmp (or DIR) and removes it. Exit code 1 if a bar is missed and --check-bars
# was given, 2 if a result is wrong. Nothing else should run on the machine meanwhile.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/deploy/lib.sh"

# shellcheck disable=SC2086 # lists of words
install_packages $packages_to_build $packages_to_bench
without_tests=()
pkg-config --exists cmocka || without_tests=(-DPARKTALLY_TESTS=OFF) # what only the tests need is not installed
build release "${without_tests[@]}" -- park-aggregator park-agent bench_disclose

export PARKTALLY_BUILD=$root/build/release
exec /usr/bin/python3 -B "$root/tests/bench" "$@"
