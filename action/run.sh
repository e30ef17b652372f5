#!/usr/bin/env bash
# The work of the action, with sigmac on the PATH: checks and tests rules, holds
# the folder of queries against them, and says what a pull request changes. It
# ends with 0 and writes what failed to the output `failed`, so that findings are
# uploaded first; with another status only where sigmac cannot work at all.
set -euo pipefail

out=${RUNNER_TEMP:-$(mktemp -d)}
sarif=$out/sigmac.sarif
comment=$out/sigmac-comment.md
marker='<!-- sigmac -->'
failed=()

# The words of inputs, which may have several lines. An empty array is written as
# ${a[@]+"${a[@]}"}: bash 3, which macOS has, takes it for an unset one otherwise.
read -r -d '' -a rules <<<"${SIGMAC_RULES:-}" || true
read -r -d '' -a targets <<<"${SIGMAC_TARGETS:-}" || true
read -r -d '' -a pipelines <<<"${SIGMAC_PIPELINES:-}" || true
read -r -d '' -a convert <<<"${SIGMAC_CONVERT:-}" || true

output() { printf '%s=%s\n' "$1" "$2" >>"${GITHUB_OUTPUT:-/dev/null}"; }

# try NAME COMMAND... notes a failure, and goes on; wrong usage ends the job.
try() {
	local name=$1 status=0
	shift
	echo "::group::$name"
	"$@" || status=$?
	echo "::endgroup::"
	case $status in
	0) ;;
	1) failed+=("$name") ;;
	*) exit "$status" ;;
	esac
}

# add_comment COMMAND... adds what a command prints to the comment.
add_comment() { "$@" | tee -a "$comment"; }

# post_comment writes the comment, in the place of the one before it. A token
# without the right to, as that of a fork has, is no failure of the rules.
post_comment() {
	local issue=repos/$GITHUB_REPOSITORY/issues old
	old=$(gh api --paginate "$issue/$SIGMAC_PULL_REQUEST/comments" --jq ".[] | select(.body | startswith(\"$marker\")) | .id" | head -n 1) || old=
	if [ -n "$old" ]; then
		gh api --method PATCH "$issue/comments/$old" -F "body=@$comment" --silent
	else
		gh api --method POST "$issue/$SIGMAC_PULL_REQUEST/comments" -F "body=@$comment" --silent
	fi || echo "::warning::the comment could not be written"
}

# uploads says whether the findings go to code scanning. A private repository may have none, and an
# upload fails the job there; what is not said is asked for.
uploads() {
	case ${SIGMAC_UPLOAD:-auto} in
	true | false) echo "$SIGMAC_UPLOAD" ;;
	auto)
		local visible=${SIGMAC_VISIBILITY:-}
		[ -n "$visible" ] || visible=$(gh api "repos/$GITHUB_REPOSITORY" --jq .visibility) || true
		if [ "$visible" = public ]; then echo true; else echo false; fi
		;;
	*)
		echo "::error::upload-sarif is true, false or auto, and not $SIGMAC_UPLOAD" >&2
		return 1
		;;
	esac
}

upload=$(uploads)
output upload "$upload"

base=${SIGMAC_BASE:-}
if [ -n "$base" ] && ! git rev-parse --verify --quiet --end-of-options "$base^{commit}" >/dev/null; then
	git fetch --quiet --no-tags origin "+refs/heads/$base:refs/remotes/origin/$base"
	base=origin/$base
fi

# One run: annotations on the log, and a file for code scanning.
check=(sigmac check --fail-on "${SIGMAC_CHECK_FAIL_ON:-error}" -f github -f "sarif=$sarif")
if [ -n "${SIGMAC_PROFILE:-}" ]; then
	check+=(--profile "$SIGMAC_PROFILE")
fi
if [ -n "$base" ] && [ "${SIGMAC_NEW_ONLY:-true}" = true ]; then
	check+=(--new-from "$base")
fi
try "sigmac check" "${check[@]}" ${rules[@]+"${rules[@]}"}
output sarif "$sarif"

if [ "${SIGMAC_TEST:-true}" = true ]; then
	test=(sigmac test)
	if [ "${SIGMAC_REQUIRE_TESTS:-false}" = true ]; then
		test+=(--require)
	fi
	try "sigmac test" "${test[@]}" ${rules[@]+"${rules[@]}"}
fi

# What is proved is kept beside the rest; what no run has asked for in a month goes.
cache=()
if [ "${SIGMAC_CACHE:-false}" = true ]; then
	cache=(--cache "$out/sigmac-proofs")
	mkdir -p "$out/sigmac-proofs"
	find "$out/sigmac-proofs" -type f -mtime +30 -delete
fi

if [ -n "${SIGMAC_QUERIES:-}" ]; then
	try "sigmac convert --check $SIGMAC_QUERIES" sigmac convert --verify ${cache[@]+"${cache[@]}"} ${convert[@]+"${convert[@]}"} --check "$SIGMAC_QUERIES" ${rules[@]+"${rules[@]}"}
fi

if [ -n "$base" ]; then
	diff=(sigmac diff --markdown --fail-on "${SIGMAC_DIFF_FAIL_ON:-none}" ${cache[@]+"${cache[@]}"})
	for t in ${targets[@]+"${targets[@]}"}; do
		diff+=(-t "$t")
	done
	for p in ${pipelines[@]+"${pipelines[@]}"}; do
		diff+=(-p "$p")
	done
	echo "$marker" >"$comment"
	try "sigmac diff" add_comment "${diff[@]}" "$base...HEAD" ${rules[@]+"${rules[@]}"}
	output comment "$comment"
	cat "$comment" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
	if [ "${SIGMAC_COMMENT:-true}" = true ] && [ -n "${SIGMAC_PULL_REQUEST:-}" ]; then
		post_comment
	fi
fi

if [ ${#failed[@]} -gt 0 ]; then
	printf -v all '%s, ' "${failed[@]}"
	output failed "${all%, } failed"
fi
