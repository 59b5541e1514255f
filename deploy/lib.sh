# shellcheck shell=bash disable=SC2034,SC2154
# What demo.sh and test.sh share: Debian packages and builds. Sourced by bash, with $root set to the source folder.

# Words of the person's own language: say ENGLISH 中文
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
zh*)
  words_are_chinese=1
  export LC_ALL=C.UTF-8 LANGUAGE=zh_CN # works where the locale's own data is not installed, too
  ;;
*) words_are_chinese= ;;
esac

say() {
  if [ -n "$words_are_chinese" ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi
}

# Whatever the build and the demo need.
packages_to_build="gcc libc6-dev cmake ninja-build pkg-config gettext protobuf-compiler protobuf-c-compiler python3
  libglib2.0-dev libzmq3-dev libprotobuf-c-dev libsqlite3-dev libsodium-dev nettle-dev libxxhash-dev libyaml-dev libjansson-dev libcsv-dev libxlsxwriter-dev libglpk-dev tzdata"

# What the tests need besides.
packages_to_test="clang clang-tidy clang-tools clang-format libclang-rt-dev lld cppcheck libcmocka-dev sqlite3 faketime
  python3-zmq python3-nacl python3-protobuf python3-openpyxl iproute2"

# What the benchmarks need besides: what we are compared with, and a client.
packages_to_bench="postgresql sqlite3 python3-zmq python3-nacl python3-protobuf"

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "packages must be installed ($*): run this as root, or install sudo" >&2
    return 1
  fi
}

# Those of "$@" that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
    installed) ;;
    *) echo "$package" ;;
    esac
  done
}

# Installs what is missing of "$@"; touches nothing and asks no network where all is there.
install_packages() {
  local missing log
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  echo "installing: ${missing//$'\n'/ }"
  log=$(mktemp)
  # shellcheck disable=SC2086 # a list of words
  if as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >"$log" 2>&1 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing >>"$log" 2>&1; then
    rm -f "$log"
  else
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
}

# build PRESET [CMAKE-OPTION…] [-- TARGET…]: configures and builds build/PRESET; says what the compiler says on failure only.
build() {
  local preset=$1 options=() log
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  [ $# -eq 0 ] || shift
  if command -v ccache >/dev/null; then options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache); fi
  log=$(mktemp)
  if (cd "$root" && cmake --preset "$preset" "${options[@]}") >"$log" 2>&1 &&
    ninja -C "$root/build/$preset" -j"$(nproc)" -k0 "$@" >>"$log" 2>&1; then
    rm -f "$log"
  else
    grep -v -e '^-- ' -e '^\[[0-9]*/[0-9]*\] ' -e '^[^ ]*\(cc\|gcc\|clang\|ccache\) ' "$log" | head -n 200 >&2 # no command lines
    rm -f "$log"
    return 1
  fi
}
