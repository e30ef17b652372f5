// Package deploy says what a query needs to run as a detection in a SIEM: when it runs, what
// it raises and about whom. It has what the forms of all SIEMs share; the forms are in
// backends/*/deploy. Facts of ATT&CK are those of internal/catalog.
package deploy

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"sigmac/ir"
)

// A Rule is a Sigma rule with one query for it, as a Format takes it.
type Rule struct {
	Path string // of its file
	Pos  ir.Pos // of the document

	// What the rule says, as it says it. A rule that takes several queries is one Rule for
	// each, which Part tells apart; ID and Title say so.
	Meta  ir.Meta
	ID    string // of the detection, always a UUID, the same from run to run
	Title string
	Part  string

	Query     string
	Scope     ir.Scope // where it looks
	Source    ir.LogSource
	Pipelines []string // by which the rule got there
	Tested    []string // columns that the query asks for values, those that it requires first
	Lookups   []ir.Lookup
	// Columns are those of the results of the query where these are no events but what a
	// correlation made of them; nil: results are the events, with all columns of their table.
	Columns []string
	// Of a correlation: its window, and the columns of its group.
	Window time.Duration
	Group  []string

	Plan Plan
	// Has says whether the table of the query has a column, and of which type, as the schemas
	// know it; Unknown with true: it may have it.
	Has func(column string) (ir.Type, bool)
}

// Result says whether results of the query have a column.
func (r *Rule) Result(column string) bool {
	if r.Columns == nil {
		_, ok := r.Has(column)
		return ok
	}
	for _, c := range r.Columns {
		if c == column {
			return true
		}
	}
	return false
}

// A Format is a form in which detections get into a SIEM.
type Format struct {
	Name        string // of convert -f
	Description string
	// Pipelines are those of the target by which rules get there; nil: all.
	Pipelines []string
	Options   []Option
	Extension string // of its file of all rules, and of its files of one rule
	// Folder: a package is a folder of files, or an archive of it, and never one file a rule.
	Folder bool
	Attack string // the version of ATT&CK that the SIEM knows: "18"
	// Own are the settings of the SIEM that a rule may give by the SIEM's own names: names, or
	// what they begin with and a `*`: "alert.*". Those get into Plan.Own, and Write takes them.
	Own    []string
	Checks []Check
	// Write makes one package of rules, in their order; the version of a rule is what version
	// says of its id. Equal input gives equal bytes. The findings are of what is lost on the
	// way; what is wrong with a package Audit says.
	Write func(rules []*Rule, o Options) ([]File, []Finding)
	// Read reads a package, of sigmac or of anybody, or what a SIEM exports. It is bounded by
	// the size of the data; an error is an *ir.Diagnostic, or several joined.
	Read func(f File) ([]*Detection, error)
	// Audit says what is wrong with detections as they were read: the limits and rules of the
	// SIEM, and of them together.
	Audit func(ds []*Detection, c Context) []Finding
}

// Takes says whether a rule may give a setting of that name.
func (f Format) Takes(name string) bool {
	return slices.ContainsFunc(f.Own, func(own string) bool {
		start, all := strings.CutSuffix(own, "*")
		return own == name || all && strings.HasPrefix(name, start)
	})
}

// An Option is one that convert -O gives a Format.
type Option struct {
	Name, Help string
	Values     []string // nil: any text
	Default    string
}

// Options are what a Format is told.
type Options struct {
	Values  map[string]string // by name, with the defaults
	Version func(id string) int
	Attack  string // version of ATT&CK: "18" or "19"
	Single  bool   // the package is a file of one rule among files of others, not of all rules
}

// A Check is a kind of Finding.
type Check struct {
	ID       string // sentinel/query-length
	Severity string // error: the SIEM does not take it; warning: it does, and something is lost
	What     string // "a query has at most 10,000 characters"
	Source   string // of the fact
}

// A Finding is what a Check found. Of a package that sigmac makes, Rule is what it is about.
type Finding struct {
	Check
	Msg       string
	Path      string // of the file of the package
	Pos       ir.Pos // in it
	Detection string // the id or the title of a detection, or empty
}

// Context is what an Audit may ask.
type Context struct {
	Schema ir.Schema // the columns of tables
	Attack string    // version of ATT&CK that the SIEM is to know
	Folder []File    // the other files of the package
}

// A File is one of a package.
type File struct {
	Path string // slash-separated, below the package
	Data []byte
}

// A Detection is what a SIEM runs, as a package or an export of it has it.
type Detection struct {
	Path    string
	Pos     ir.Pos
	ID      string // by which the SIEM knows it
	Rule    string // the id of the Sigma rule of which it says it is made, or empty
	Title   string
	Query   string
	QueryAt ir.Pos // where the query stands
	// Language is that of the query: splunk, kusto, eql, esql, kuery, lucene, or what the export
	// calls it; empty where it has no query.
	Language string
	Enabled  bool
	Version  int
	// Settings are what else was decided, by the words of the SIEM, in its order; what stands at
	// the SIEM's default is there with it, what the SIEM itself adds is not.
	Settings []Setting
	Own      any // the detection as its Format reads it, for its Audit
}

// A Setting is one that drift compares. Its value has one spelling: durations as ISO 8601
// writes them, lists sorted where their order says nothing.
type Setting struct{ Kind, Name, Value string }

// The kinds of settings, the most dangerous first.
const (
	Scope       = "scope" // what decides beside the query which events are found: indices, filters, exceptions
	Schedule    = "schedule"
	Severity    = "severity"
	Suppression = "suppression"
	Entities    = "entities"
	Actions     = "actions"
	Attack      = "attack"
	Text        = "text" // title, description, references
)

// sigmaNamespace is that of the ids that sigmac makes, itself made of the name of Sigma's
// home in the namespace of URLs of RFC 9562.
var sigmaNamespace = newUUID([16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}, "https://sigmahq.io/")

// UUID is the version 5 UUID of RFC 9562 of words, which says the same of the same words.
func UUID(words ...string) string {
	u := newUUID(sigmaNamespace, strings.Join(words, "\x00"))
	s := hex.EncodeToString(u[:])
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}

func newUUID(namespace [16]byte, name string) (u [16]byte) {
	sum := sha1.Sum(append(namespace[:], name...))
	copy(u[:], sum[:])
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return u
}

// IsUUID says whether s is a UUID as Sigma writes it.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return false
		}
	}
	return true
}
