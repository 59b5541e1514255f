#!/bin/bash
# Everything that must hold before a change goes in. Ends with "N passed, N failed"; exit code 1 if anything failed.
#
#   deploy/test.sh           under 15 minutes on two cores; what is exhaustive is sampled, with printed seeds
#   deploy/test.sh --full    all of it: exhaustive tests, many rounds, long fuzzing
#
# On a fresh Debian 12, as root or with sudo, it installs what is missing. Real data for the tests that know it is
# found in $PARKTALLY_TESTDATA; without it they are skipped.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/deploy/lib.sh"
cd "$root" || exit

case $#:${1:-} in
0:) fuzz_runs=-1 paths=15000 ;;
1:--full) export PARKTALLY_FULL=1 fuzz_runs=-1 paths=225000 ;; # the analyzer's own default
*) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 64 ;;
esac

# Their own configuration must not leak into the tests.
unset PARKTALLY_DATA
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS="second_deadlock_stack=1 suppressions=$root/tests/tsan/suppressions"

# Whether /dev/shm has room for all that tests write, three times over.
memory_has_room() {
  local room memory
  room=$(df -k --output=avail /dev/shm 2>/dev/null | tail -n 1)
  memory=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
  [ "${room:-0}" -ge $((2 << 20)) ] && [ "${memory:-0}" -ge $((4 << 20)) ]
}

# The programs sync whatever they promise, so that tests wait for the disk most of the time; in memory they do not. What is
# exhaustive has its files on the disk.
if [ -z "${TMPDIR:-}${PARKTALLY_FULL:-}" ] && memory_has_room; then export TMPDIR=/dev/shm; fi
tests_at_once=$((2 * $(nproc))) # they wait for each other's programs, too

passed=0 failed=0 skipped=0
failures=()
started=$SECONDS

record() { # record NAME CODE
  if [ "$2" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("$1")
  fi
}

# stage NAME FUNCTION: runs it to its end, whatever it does, and says how long it took. Returns its code.
stage() {
  local begun=$SECONDS code=0
  echo
  echo "== $1"
  "$2" || code=$?
  echo "-- $([ $code -eq 0 ] && echo passed || echo FAILED) after $((SECONDS - begun)) s"
  return $code
}

# check NAME FUNCTION: a stage that counts as one test.
check() {
  local code=0
  stage "$1" "$2" || code=$?
  record "$1" $code
  return $code
}

# run_tests PRESET [CTEST-OPTION…]: counts each test of ctest. What tests leave behind goes with their folder.
run_tests() {
  local preset=$1 folder results code=0
  shift
  results=$(mktemp)
  folder=$(mktemp -d)
  chmod 711 "$folder" # tests have users who may use the server, and no more
  TMPDIR=$folder ctest --test-dir "build/$preset" --output-on-failure -j"$tests_at_once" --output-junit "$results" "$@" || code=$?
  rm -rf "$folder"
  attribute() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$results" | head -n 1; }
  local all failing skipping
  all=$(attribute tests) failing=$(attribute failures) skipping=$(($(attribute skipped) + $(attribute disabled)))
  if [ "${all:-0}" -eq 0 ]; then # ctest itself failed, or there is nothing to run: never a success
    rm -f "$results"
    record "ctest in build/$preset" 1
    return 1
  fi
  passed=$((passed + all - failing - skipping))
  failed=$((failed + failing))
  skipped=$((skipped + skipping))
  while read -r name; do failures+=("$name ($preset)"); done < <(
    sed -n 's/.*<testcase name="\([^"]*\)".* status="fail".*/\1/p' "$results"
  )
  rm -f "$results"
  return $code
}

# --- the stages

packages() {
  # shellcheck disable=SC2086 # lists of words
  install_packages $packages_to_build $packages_to_test
}

release_build() { build release -DPARKTALLY_TESTS=ON; }
release_tests() { run_tests release; }
asan_build() { build asan; }
# GLib hands out small blocks of its own, which no sanitizer follows. What is random or large is sampled more thinly: it
# takes many times as long, and the release build has had more of it.
asan_tests() { G_SLICE=always-malloc PARKTALLY_SHARE=${PARKTALLY_SHARE:-10} run_tests asan; }
tsan_build() { build tsan -- unit_tests; }
tsan_tests() { G_SLICE=always-malloc PARKTALLY_SHARE=${PARKTALLY_SHARE:-5} run_tests tsan -R '^unit/'; }

fuzz_build() { build fuzz "-DPARKTALLY_FUZZ_RUNS=$fuzz_runs" -- fuzz; }
fuzz_tests() { run_tests fuzz -R '^fuzz/'; }

our_sources() { git ls-files -co --exclude-standard -- 'common/*.[ch]' 'agent/*.[ch]' 'aggregator/*.[ch]' 'tests/*.[ch]'; }

format() { our_sources | xargs clang-format --dry-run -Werror; }

# Says nothing but what it finds. The analyzer follows so many paths of a function.
tidy() {
  local log code=0 analyzer=()
  for word in -Xclang -analyzer-config -Xclang "max-nodes=$paths"; do analyzer+=("-extra-arg=$word"); done
  log=$(mktemp)
  run-clang-tidy -p build/asan -j"$(nproc)" -quiet "${analyzer[@]}" "^$root/(common|agent|aggregator)/.*\.c$" >"$log" 2>&1 || code=$?
  [ $code -eq 0 ] || grep -v -e '^clang-tidy' -e '^[0-9]* warnings' -e '^$' "$log"
  rm -f "$log"
  return $code
}

static_check() {
  cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --std=c11 --language=c -j"$(nproc)" \
    -I. --suppressions-list=.cppcheck --library=gtk --library=sqlite3 \
    '-DG_GNUC_PRINTF(a,b)=' '-DG_N_ELEMENTS(a)=(sizeof(a)/sizeof(*(a)))' common agent aggregator
}

# Its own words are shown where it fails.
demo() {
  local log code=0
  log=$(mktemp)
  deploy/demo.sh >"$log" 2>&1 || code=$?
  if [ $code -eq 0 ]; then tail -n 12 "$log"; else cat "$log"; fi
  rm -f "$log"
  return $code
}

# A build counts as one test; its tests run only where it succeeded.
build_and_test() { # build_and_test NAME BUILD TESTS
  check "build: $1" "$2" && stage "tests: $1" "$3"
}

if check "packages" packages; then # first what is cheap, so that it fails early
  check "clang-format" format
  build_and_test "gcc, release" release_build release_tests
  check "demo: six parks, every total checked" demo
  build_and_test "clang, AddressSanitizer and UndefinedBehaviorSanitizer" asan_build asan_tests
  build_and_test "gcc, ThreadSanitizer, unit tests without sockets of libzmq" tsan_build tsan_tests
  build_and_test "clang, fuzzing" fuzz_build fuzz_tests
  check "clang-tidy" tidy
  check "cppcheck" static_check
fi

echo
for failure in "${failures[@]}"; do echo "failed: $failure"; done
[ $skipped -eq 0 ] || echo "$skipped skipped (see above for why)"
echo "took $((SECONDS - started)) s"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
