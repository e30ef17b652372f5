#!/usr/bin/env bash
# Puts sigmac where the action looks for it: the binary of the release that the action is, or of
# the one that `version` names, held against its checksum. Where there is none, the outputs `build`
# and `key` say that it is to be built from the action's own sources, and under which key the
# result is kept: a hash of these sources.
set -euo pipefail

dir=${RUNNER_TEMP:?}/sigmac
mkdir -p "$dir/release"
output() { printf '%s=%s\n' "$1" "$2" >>"${GITHUB_OUTPUT:-/dev/null}"; }
sum() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

case ${RUNNER_OS:?} in
Linux) os=linux form=tar.gz ;;
macOS) os=darwin form=tar.gz ;;
Windows) os=windows form=zip ;;
*) os=none form=none ;;
esac
case ${RUNNER_ARCH:?} in
X64) arch=amd64 ;;
ARM64) arch=arm64 ;;
*) arch=none ;;
esac

# In a composite action GitHub does not promise these two; the folder of the action has them too, as
# …/_actions/OWNER/NAME/REF.
if [ -z "${SIGMAC_REPOSITORY:-}" ] && [[ ${ACTION_PATH:?} =~ /_actions/([^/]+/[^/]+)/(.+)$ ]]; then
	SIGMAC_REPOSITORY=${BASH_REMATCH[1]} SIGMAC_REF=${BASH_REMATCH[2]}
fi

# release is the tag of the release: what the input says, or what the action was asked for by. A
# commit, as an action should be pinned by, is the release whose tag it has.
release() {
	local ref=${SIGMAC_VERSION:-${SIGMAC_REF:-}}
	if [[ $ref =~ ^[0-9a-f]{40}$ ]]; then
		gh api --paginate "repos/$SIGMAC_REPOSITORY/tags" --jq ".[] | select(.commit.sha == \"$ref\") | .name" | head -n 1
	else
		printf '%s' "$ref"
	fi
}

# download gets the release's archive. It ends with 3 where there is none, and with 1 where it is not
# what the release says.
download() {
	local tag archive
	[ -n "${SIGMAC_REPOSITORY:-}" ] && tag=$(release) && [ -n "$tag" ] || return 3
	gh release download "$tag" --repo "$SIGMAC_REPOSITORY" --dir "$dir/release" --pattern "sigmac_*_${os}_$arch.$form" --pattern checksums.txt || return 3
	cd "$dir/release" || return 1
	archive=$(ls sigmac_*."$form") || return 1
	if ! grep -F "  $archive" checksums.txt >this.txt || ! sum -c this.txt >/dev/null; then
		echo "::error::$archive is not what checksums.txt of its release says"
		return 1
	fi
	if [ "$form" = zip ]; then unzip -q "$archive"; else tar -xzf "$archive"; fi || return 1
	find . -type f \( -name sigmac -o -name sigmac.exe \) -exec mv -f {} "$dir/" \; || return 1
	echo "sigmac of the release $tag"
}

status=0
(download) || status=$?
rm -rf "$dir/release"
case $status in
0) output build false ;;
3)
	if [ -n "${SIGMAC_VERSION:-}" ]; then
		echo "::error::there is no release $SIGMAC_VERSION of sigmac for $RUNNER_OS $RUNNER_ARCH"
		exit 1
	fi
	echo "this version of the action has no release: sigmac is built from its sources"
	output build true
	cd "${ACTION_PATH:?}"
	files=$(find . -name .git -prune -o -type f -print | LC_ALL=C sort)
	output key "sigmac-$os-$arch-$({ echo "$files" && echo "$files" | tr '\n' '\0' | xargs -0 cat; } | sum | cut -c 1-40)"
	;;
*) exit 1 ;;
esac
