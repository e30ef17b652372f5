#!/usr/bin/env bash
# Asks Lucene itself which expressions of backends/elastic/read/testdata/lucene.txt it
# refuses, and compares that with what the file says. Needs Maven and Java 11, for
# Lucene 10 Java 21.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

answers=../../backends/elastic/read/testdata/lucene.txt
repository=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
java=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

versions=(8.11.3 9.12.1)
if [ "$java" -ge 21 ]; then
	versions+=(10.1.0 10.2.2)
fi
failed=0
for v in "${versions[@]}"; do
	mvn -q dependency:get "-Dartifact=org.apache.lucene:lucene-core:$v"
	jar=$repository/org/apache/lucene/lucene-core/$v/lucene-core-$v.jar
	javac -nowarn -cp "$jar" -d "$tmp/$v" Refuses.java
	grep -v '^#' "$answers" | cut -f1 | java -cp "$tmp/$v:$jar" Refuses >"$tmp/said"
	grep -v '^#' "$answers" | awk -F'\t' -v v="$v" '{ print (index("," $2 ",", "," v ",") ? "refused" : "taken") }' >"$tmp/known"
	if diff "$tmp/known" "$tmp/said" >"$tmp/diff"; then
		echo "$v: $(wc -l <"$tmp/said") expressions, $(grep -c refused "$tmp/said") refused, as the file says"
	else
		echo "$v: $(grep -c '^<' "$tmp/diff") answers are not those of the file" >&2
		failed=1
	fi
done
exit "$failed"
