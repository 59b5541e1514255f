#!/bin/bash
# The main job on one machine: a city's aggregator, six parks and three bureaux, a year of files, every total checked.
#
#   deploy/demo.sh [--seed N] [FOLDER]
#
# On a fresh Debian 12, as root or with sudo, it installs what is missing and builds. Without FOLDER it works in a
# temporary one and removes it; in FOLDER everything stays to be looked at. All enterprises are invented.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/deploy/lib.sh"

seed=2018 folder=
while [ $# -gt 0 ]; do
  case $1 in
  --seed) seed=${2:?--seed needs a number} && shift 2 ;;
  -*) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit 64 ;;
  *) folder=$1 && shift ;;
  esac
done

parks="liudong hexi yanghe luowei liubei xinxing"
bureaux="tongji caizheng keji"

# --- the end, however it comes: servers that we started are stopped, and a temporary folder goes

servers=()
temporary=
finish() {
  local code=$?
  trap - EXIT
  for server in "${servers[@]}"; do kill -TERM "$server" 2>/dev/null || true; done
  for server in "${servers[@]}"; do wait "$server" 2>/dev/null || true; done
  if [ $code -ne 0 ]; then
    say "The demo failed (exit code $code)." "演示失败（退出码 $code）。" >&2
    [ ! -s "$folder/aggregator.log" ] || tail -n 20 "$folder/aggregator.log" >&2
  fi
  [ -z "$temporary" ] || rm -rf "$temporary"
  exit $code
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

heading() {
  echo
  say "== $1" "== $2"
}

# --- building

heading "Packages and build" "安装与编译"
# shellcheck disable=SC2086 # a list of words
install_packages $packages_to_build
without_tests=()
pkg-config --exists cmocka || without_tests=(-DPARKTALLY_TESTS=OFF) # what only the tests need is not installed
build release "${without_tests[@]}" -- park-aggregator park-agent translations
city_program=$root/build/release/aggregator/park-aggregator
park_program=$root/build/release/agent/park-agent

if [ -z "$folder" ]; then
  temporary=$(mktemp -d)
  folder=$temporary
elif [ -e "$folder/city" ]; then
  say "$folder holds a demo already; name another folder" "$folder 中已有演示数据，请换一个文件夹" >&2
  exit 64
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
started=$SECONDS

# --- the world

heading "Invented enterprises and their files (seed $seed)" "生成虚构企业及其报表（种子 $seed）"
world=$folder/world
python3 -B "$root/deploy/demo/generate.py" --seed "$seed" "$world"

# --- the city

city() {
  local command=$1
  shift
  case $command in
  register)
    "$city_program" register "$@" --data "$folder/city"
    ;;
  *) "$city_program" "$command" --data "$folder/city" "$@" ;;
  esac
}

heading "The city: a new aggregator, and the register" "市级：新建汇总端，导入名录库"
city init --catalogue "$root/deploy/catalogue/liuzhou.yaml"
read -r port enrol_port < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))')
cat >"$folder/city/aggregator.yaml" <<END
listen: tcp://127.0.0.1:$port
enrol: tcp://127.0.0.1:$enrol_port
END
"$city_program" run --data "$folder/city" >"$folder/aggregator.log" 2>&1 &
servers+=($!)
for _ in $(seq 200); do # ready when it answers commands; a server that ended answers none
  grep -q 'server\.ready' "$folder/aggregator.log" && break
  kill -0 "${servers[0]}" || exit 69
  sleep 0.05
done
city register import "$world/register.csv"

# --- parks and bureaux join

agent() { # agent NAME COMMAND …
  local name=$1 command=$2
  shift 2
  "$park_program" "$command" --data "$folder/agents/$name" "$@"
}

join() { # join NAME AREA [INVITE-OPTION…]
  local name=$1 area=$2
  shift 2
  city invite --area "$area" --reason "demo" "$@" | agent "$name" join - >"$folder/$name-join.out"
}

heading "Six parks and three bureaux join by invitation" "六个园区和三个市级部门凭邀请加入"
for park in $parks; do join "$park" "$park"; done
join tongji city --role bureau --forms city-monthly,city-yearly
join caizheng city --role bureau --forms city-funds-yearly
join keji city --role bureau --forms city-innovation-yearly
city agents

# --- files are sent

files_of() { # files_of AGENT STEP: one path a line
  awk -F, -v agent="$1" -v step="$2" -v world="$world" '$1 == agent && $2 == step { print world "/" $3 }' "$world/files.csv"
}

# push AGENT STEP [--wait]: bad rows are refused, each by name (exit code 65); the good ones go.
push() {
  local name=$1 step=$2 code=0 files
  shift 2
  mapfile -t files < <(files_of "$name" "$step")
  [ ${#files[@]} -gt 0 ] || return 0
  agent "$name" push "${files[@]}" --approved-by "示例丁" "$@" >"$folder/$name-$step.out" 2>&1 || code=$?
  if [ $code -ne 0 ] && [ $code -ne 65 ]; then
    cat "$folder/$name-$step.out" >&2
    return $code
  fi
}

# The service watches two folders; a clerk moves files there.
start_service() {
  local name=$1
  mkdir -p "$folder/$name/待审" "$folder/$name/报送"
  cat >"$folder/agents/$name/agent.yaml" <<END
review_folder: $folder/$name/待审
submit_folder: $folder/$name/报送
approved_by: 示例丁
END
  "$park_program" run --data "$folder/agents/$name" >"$folder/$name.log" 2>&1 & # no function: $! must be its own
  servers+=($!)
}

drop() { # drop AGENT STEP: moves its files into the folder, whole
  local name=$1 step=$2 files
  mapfile -t files < <(files_of "$name" "$step")
  for file in "${files[@]}"; do
    cp "$file" "$folder/$name/arriving"
    mv "$folder/$name/arriving" "$folder/$name/报送/${file##*/}"
  done
}

dropped() { # whether the service of AGENT has taken everything
  [ -z "$(find "$folder/$1/报送" -maxdepth 1 -type f -print -quit)" ]
}

sent() { # whether nothing of AGENT waits
  agent "$1" status --format json | python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["waiting_to_send"] > 0)'
}

# until_true SECONDS COMMAND …
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if [ $SECONDS -ge $end ]; then
      say "this took too long: $*" "等待超时：$*" >&2
      return 75
    fi
    sleep 0.1
  done
}

send_step() {
  local step=$1 pids=()
  for name in liudong yanghe; do drop "$name" "$step"; done           # the service finds them
  push liubei "$step" &                                               # durable first, delivered in its own time
  pids+=($!)
  for name in hexi luowei xinxing $bureaux; do
    push "$name" "$step" --wait &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  for name in liudong yanghe; do until_true 120 dropped "$name"; done
  push liubei "$step" --wait # once more: unchanged, nothing counts twice
  for name in $parks; do until_true 60 sent "$name"; done
}

heading "A year of files: push --wait, push, and watched folders" "一年的报表：push --wait、push，以及监视的文件夹"
start_service liudong
start_service yanghe
send_step 1
heading "Corrections, late reports, withdrawals" "更正、补报和撤销"
send_step 2
# A file in 待审 is only checked.
cp "$world/files/hexi/1/产值201804.csv" "$folder/liudong/待审/别园的表.csv"
until_true 60 test -e "$folder/liudong/待审/refused/别园的表.csv.findings.txt"
say "What clerks were told, for instance:" "填表人看到的提示，例如："
cat "$folder"/*-[12].out "$folder/yanghe/报送/refused/"*.findings.txt | tr -d '\r' | grep -E '\[(value|unit|row|report)\.[a-z-]+\]$' |
  grep -v -e row.total -e check-digit | awk -F'[][]' '!seen[$(NF - 1)]++' | sed 's/^/  /'
agent hexi status

# --- what it comes to

heading "Totals of the zone, January to December 2018" "示范区合计，2018年1—12月"
city totals --area zone --period 2018-12 --cumulative --indicator \
  gross_output,sales_output,export_delivery,electricity,revenue,total_profit,taxes_paid,staff,sales_ratio,profit_margin
heading "By park, December 2018 from January on: output and revenue" "分园区，2018年1—12月：产值与营业收入"
city totals --period 2018-12 --cumulative --indicator gross_output,revenue
heading "By cluster, in the zone" "分产业集群，示范区"
city totals --area zone --period 2018-12 --cumulative --indicator gross_output --slice \
  automobile,machinery,steel,new_energy_vehicles,high_end_equipment,electronics,new_materials,high_tech
heading "The plan's sixteen targets, 2018" "规划的十六项目标，2018年"
city targets --period 2018

heading "The yearly scorecard: one of the six parks" "年度评价：六个园区之一"
city scorecard --period 2018 --area liudong
heading "The growth plan: its enterprises in one of the parks" "培育计划：一个园区的企业"
city growth-plan --period 2018 --area hexi

heading "Every total against plain sums over the files" "每个合计与文件的独立求和逐一比对"
python3 -B "$root/deploy/demo/check.py" --world "$world" --program "$city_program" --data "$folder/city"

heading "The ledger, replayed" "账本重放"
city rebuild --check
for server in "${servers[@]}"; do kill -TERM "$server"; done
for server in "${servers[@]}"; do wait "$server"; done
servers=()
echo
say "The demo took $((SECONDS - started)) s after the build. Everything is as it should be." \
  "编译之后用时 $((SECONDS - started)) 秒。一切正常。"
[ -n "$temporary" ] || say "All of it is in $folder." "全部数据在 $folder。"
