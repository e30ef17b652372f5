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

read -ra rules <<<"${SIGMAC_RULES:-}"
read -ra targets <<<"${SIGMAC_TARGETS:-}"
read -ra pipelines <<<"${SIGMAC_PIPELINES:-}"
read -ra convert <<<"${SIGMAC_CONVERT:-}"

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

check=(sigmac check)
if [ -n "${SIGMAC_PROFILE:-}" ]; then
	check+=(--profile "$SIGMAC_PROFILE")
fi
# The same findings in two forms: annotations, and a file for code scanning.
"${check[@]}" --fail-on none -f sarif -o "$sarif" "${rules[@]}"
output sarif "$sarif"
try "sigmac check" "${check[@]}" --fail-on "${SIGMAC_CHECK_FAIL_ON:-error}" -f github "${rules[@]}"

if [ "${SIGMAC_TEST:-true}" = true ]; then
	test=(sigmac test)
	if [ "${SIGMAC_REQUIRE_TESTS:-false}" = true ]; then
		test+=(--require)
	fi
	try "sigmac test" "${test[@]}" "${rules[@]}"
fi

if [ -n "${SIGMAC_QUERIES:-}" ]; then
	try "sigmac convert --check $SIGMAC_QUERIES" sigmac convert --verify "${convert[@]}" --check "$SIGMAC_QUERIES" "${rules[@]}"
fi

if [ -n "${SIGMAC_BASE:-}" ]; then
	base=$SIGMAC_BASE
	if ! git rev-parse --verify --quiet --end-of-options "$base^{commit}" >/dev/null; then
		git fetch --quiet --no-tags origin "+refs/heads/$base:refs/remotes/origin/$base"
		base=origin/$base
	fi
	diff=(sigmac diff --markdown --fail-on "${SIGMAC_DIFF_FAIL_ON:-none}")
	for t in "${targets[@]}"; do
		diff+=(-t "$t")
	done
	for p in "${pipelines[@]}"; do
		diff+=(-p "$p")
	done
	echo "$marker" >"$comment"
	try "sigmac diff" add_comment "${diff[@]}" "$base...HEAD" "${rules[@]}"
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
