// Package findings says of a set of Sigma rules what only a prover can.
package findings

// A Kind says what a Finding is about.
type Kind string

// The kinds.
const (
	Implied       Kind = "implied"        // another rule matches all that this one does, and more
	Duplicate     Kind = "duplicate"      // another rule matches the same events
	Never         Kind = "never"          // no event matches the rule
	DeadExclusion Kind = "dead_exclusion" // a part under a `not` that excludes nothing
)

// A Ref names a rule by its place.
type Ref struct {
	Path  string `json:"path"`
	Line  int    `json:"line"`
	ID    string `json:"id"`
	Title string `json:"title"`
}

// A Finding is proved.
type Finding struct {
	Kind      Kind           `json:"kind"`
	Rule      Ref            `json:"rule"`
	Other     *Ref           `json:"other,omitempty"`
	Part      string         `json:"part,omitempty"`
	Line      int            `json:"line,omitempty"`
	Column    int            `json:"column,omitempty"`
	Because   []string       `json:"because,omitempty"`
	Witness   map[string]any `json:"witness,omitempty"`
	OnlyOther map[string]any `json:"only_other,omitempty"`
}
