package ir

// A Name is a name in a document with its place.
type Name struct {
	Text string
	Pos  Pos
}

// A Correlation relates the events of several rules (correlation
// specification 2.1.0).
type Correlation struct {
	Meta      Meta
	Type      Name
	Rules     []Name // ids or names
	GroupBy   []Name
	Timespan  Name // a number and one of s, m, h, d
	Condition []Limit
	Fields    []Name // of the condition: what is counted, summed, …
	Aliases   []Alias
	Generate  bool // the rules are wanted as queries of their own too
	Pos       Pos
}

// A Limit is one comparison of a correlation's condition.
type Limit struct {
	Op     string // gt gte lt lte eq neq
	Number Number
	Pos    Pos
}

// An Alias gives fields of several rules one name.
type Alias struct {
	Name   Name
	Fields []AliasField
}

// An AliasField is the field that an Alias stands for in one rule.
type AliasField struct{ Rule, Field Name }

// A Filter is a condition that is added to other rules (filter specification
// 2.1.0).
type Filter struct {
	Meta       Meta
	Source     LogSource
	Rules      []Name // ids or names; none: every rule of the log source
	Detections []Detection
	Conditions []Condition
	Pos        Pos
}
