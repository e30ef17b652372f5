// Package deploy makes and reads the detections of Elastic Security.
//
// A rule is a table of fields (fields.go), which says of each what it holds, in which types of
// rules it is, and which kind of setting it is: writing, reading and checking go by it. What is
// read keeps its places (node.go), for other people's packages are checked too.
package deploy

import "sigmac/internal/deploy"

// Formats are the forms in which detections get there.
func Formats() []deploy.Format {
	options := []deploy.Option{
		{Name: "index", Help: "patterns of indices, between commas, of rules for which the pipeline names none; without, Kibana looks where its setting securitySolution:defaultIndex says"},
		{Name: "timestamp_override", Help: "the field by whose time a run asks for events, or none; sequences are asked by @timestamp", Default: "event.ingested"},
		{Name: "max_signals", Help: "how many alerts a run raises at most", Default: "100"},
		{Name: "building_block", Help: "rules of this level raise alerts that are shown only as part of others", Values: append([]string{"none"}, deploy.Levels...), Default: "none"},
	}
	format := deploy.Format{Options: options, Attack: "18", Own: append(names(), "building_block"), Checks: checks, Read: readFile, Audit: audit}
	lines, files := format, format
	lines.Name, lines.Description, lines.Extension, lines.Write = "elastic_ndjson", "a file that Kibana imports, one rule a line", ".ndjson", writeNDJSON
	files.Name, files.Description, files.Extension, files.Write = "elastic_toml", "rules as the repository elastic/detection-rules has them, one file a rule", ".toml", writeFiles
	return []deploy.Format{lines, files}
}
