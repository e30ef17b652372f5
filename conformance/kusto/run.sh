#!/usr/bin/env bash
# Converts rules with every pipeline for Microsoft's tables and checks the
# queries: the rules of $SIGMAC_CORPUS or ../shared/corpus, else the examples.
# Needs `npm ci` in this folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

corpus=${SIGMAC_CORPUS:-../shared/corpus}
rules=(examples/rules)
if [ -d "$corpus/sigma/rules" ]; then
	rules=("$corpus"/sigma/rules*)
fi

rules+=(conformance/kusto/rules) # what few public rules have

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go build -o "$tmp/sigmac" ./cmd/sigmac

failed=0
for p in microsoft_xdr defender_m365 sentinel_asim azure_monitor sentinel_okta sentinel_saas sentinel_zeek sentinel_zeek_v3 sentinel_network; do
	case $p in
	sentinel_asim) schema=sentinel_asim ;;
	sentinel_network) schema=azure_monitor ;;
	sentinel_*) schema=sentinel_connectors ;;
	defender_*) schema=microsoft_xdr ;;
	*) schema=$p ;;
	esac
	# 1: a rule was wrong, which is no fault of the queries
	status=0
	"$tmp/sigmac" convert -t kusto -p "$p" -s --json "${rules[@]}" >"$tmp/queries" 2>"$tmp/errors" || status=$?
	if [ "$status" -gt 1 ]; then
		tail -n 20 "$tmp/errors" >&2
		exit "$status"
	fi
	echo "$p:"
	node conformance/kusto/check.mjs --schema "schema/$schema.json" "$tmp/queries" || failed=1
	if [ "${rules[0]}" != examples/rules ] && ! grep -q '"queries":' "$tmp/queries"; then
		echo "not one rule of the corpus was converted"
		failed=1
	fi
done

echo "correlations:"
node -e 'for (const query of require("fs").readFileSync("backends/kusto/testdata/correlations.kql", "utf8").trim().split("\n\n"))
	console.log(JSON.stringify({ path: query.split("\n")[0].slice(3), target: "kusto", queries: [query] }))' >"$tmp/queries"
node conformance/kusto/check.mjs --schema schema/microsoft_xdr.json "$tmp/queries" || failed=1
exit "$failed"
