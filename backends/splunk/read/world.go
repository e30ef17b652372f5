package read

import (
	"sigmac/backends"
	"sigmac/ir"
)

// World: null is missing, and a field may be multivalued (SEMANTICS B.1).
func World(ir.Type) backends.World {
	return backends.World{Several: true, AnyType: true, Doubts: doubts}
}

// doubts: a field beyond the limits of the automatic extraction is missing
// (limits.conf.spec, stanza kv). No document says what that makes of a null in
// JSON; published detections test such fields for the text `null`
// (splunk/security_content, gsuite_drive_share_in_external_email).
var doubts = []backends.Doubt{
	{ID: "splunk/extraction-limits", State: backends.Value, Wider: true},
	{ID: "splunk/json-null", State: backends.Null, As: "null"},
}
