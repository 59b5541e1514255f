#!/bin/sh
# Brings po/zh_CN.po up to date with the sources: new texts come in untranslated, those that are gone are dropped, and no
# translation is guessed. With --check nothing is written, and what would change is shown.
set -eu

cd "$(dirname "$0")/.."
po=po/zh_CN.po
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Files without line numbers, sorted, lines not wrapped: a change of a text is a change of its lines alone.
find common agent aggregator -name '*.[ch]' | LC_ALL=C sort |
  xgettext --files-from=- --language=C --from-code=UTF-8 \
    --keyword=_ --keyword=N_ --keyword=C_:1c,2 --keyword=ngettext:1,2 \
    --add-location=file --sort-by-file --no-wrap --output="$work/parktally.pot"
sed -i '/^"POT-Creation-Date:/d; s/charset=CHARSET/charset=UTF-8/' "$work/parktally.pot"
msgmerge --quiet --no-fuzzy-matching --add-location=file --sort-by-file --no-wrap \
  --output-file="$work/merged.po" "$po" "$work/parktally.pot"
msgattrib --no-obsolete --sort-by-file --no-wrap --output-file="$work/zh_CN.po" "$work/merged.po"

case "${1-}" in
'') cmp -s "$po" "$work/zh_CN.po" || cp "$work/zh_CN.po" "$po" ;;
--check) diff -u "$po" "$work/zh_CN.po" ;;
*)
  echo "usage: po/update.sh [--check]" >&2
  exit 64
  ;;
esac
