#!/usr/bin/env bash
# Builds the site of the rules in internal/catalog/site/testdata, and that of the public
# rules in $SIGMAC_CORPUS or ../shared/corpus, and tries them in Chromium. Needs
# `npm ci` in this folder, and Chromium: $CHROMIUM, or /usr/bin/chromium.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go build -o "$tmp/sigmac" ./cmd/sigmac

build() {
	# 1: a rule is wrong, and its page says so
	"$tmp/sigmac" catalog build --without-pipeline "$@" 2>"$tmp/errors" || [ $? = 1 ] || { cat "$tmp/errors" >&2; exit 2; }
}
rules=internal/catalog/site/testdata
build --source-url "sigma=https://example.org/rules/{path}#L{line}" --sigma "$rules/sigma" --splunk "$rules/splunk" --elastic "$rules/elastic" --kusto "$rules/kusto" -o "$tmp/site"
export SIGMAC=$tmp/sigmac SIGMAC_SITE=$tmp/site SIGMAC_RULES=$PWD/$rules/sigma

corpus=${SIGMAC_CORPUS:-../shared/corpus}
if [ -d "$corpus/sigma/rules" ]; then
	build --sigma "$corpus/sigma" --splunk "$corpus/splunk" --elastic "$corpus/elastic" --kusto "$corpus/kusto" -o "$tmp/large"
	export SIGMAC_LARGE_SITE=$tmp/large
fi
npm test --prefix conformance/site
