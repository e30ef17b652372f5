package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigmac/ir"
)

// A List is an array in JSON also where it is empty.
type List[T any] []T

// MarshalJSON writes an array, never null.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// An Entry is all that a catalog shows of a rule; its JSON is that of
// `sigmac explain --json`.
type Entry struct {
	Path   string         `json:"path"`
	Rule   Facts          `json:"rule"`
	Attack List[Coverage] `json:"attack"`
	Events List[Event]    `json:"events"`
	Page
	Correlation *Correlation `json:"correlation,omitempty"` // of a correlation; it has no Page
	UsedBy      []Use        `json:"used_by,omitempty"`     // correlations that name it, where these are known
}

// Facts are the attributes of a rule.
type Facts struct {
	Title          string       `json:"title"`
	ID             string       `json:"id"`
	Name           string       `json:"name,omitempty"`
	Status         string       `json:"status"`
	Level          string       `json:"level"`
	LogSource      LogSource    `json:"logsource"`
	Description    string       `json:"description"`
	Author         string       `json:"author"`
	Date           string       `json:"date"`
	Modified       string       `json:"modified"`
	License        string       `json:"license,omitempty"`
	References     List[string] `json:"references"`
	Tags           List[string] `json:"tags"`
	FalsePositives List[string] `json:"falsepositives"`
}

// A LogSource is where a rule's events come from, in Sigma's terms.
type LogSource struct {
	Category string `json:"category,omitempty"`
	Product  string `json:"product,omitempty"`
	Service  string `json:"service,omitempty"`
}

// String is s as a page shows it: `product windows, category process_creation`.
func (s LogSource) String() string {
	var parts []string
	for _, p := range [][2]string{{"product", s.Product}, {"category", s.Category}, {"service", s.Service}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	return strings.Join(parts, ", ")
}

// A Coverage is a technique of ATT&CK that a rule's tags name, or a tactic that
// none of the named techniques belongs to.
type Coverage struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Tactics   List[string] `json:"tactics"`
	Successor string       `json:"successor,omitempty"` // of a revoked technique
}

// NewEntry is the entry of a Sigma rule as it was parsed. src is the file in
// which it stands; it may be nil, as for Explain.
func NewEntry(path string, r *ir.Rule, src []byte) *Entry {
	facts := factsOf(r.Meta)
	facts.LogSource = LogSource{r.Source.Category, r.Source.Product, r.Source.Service}
	return &Entry{Path: path, Rule: facts, Attack: CoverageOf(r.Meta.Tags), Events: Events(r), Page: *Explain(r, src)}
}

func factsOf(m ir.Meta) Facts {
	return Facts{Title: m.Title, ID: m.ID, Name: m.Name, Status: m.Status, Level: m.Level,
		Description: m.Description, Author: m.Author, Date: m.Date, Modified: m.Modified, License: m.License,
		References: m.References, Tags: m.Tags, FalsePositives: m.FalsePositives}
}

// CoverageOf is the techniques of a rule's tags with their tactics, and then
// the tactics that no technique among them has.
func CoverageOf(tags []string) (out []Coverage) {
	var covered []string
	for _, t := range Techniques(tags) {
		out = append(out, Coverage{t.ID, t.FullName(), t.Tactics, t.Successor})
		covered = append(covered, t.Tactics...)
	}
	for _, t := range Tactics(tags) {
		if !slices.Contains(covered, t.Name) {
			out = append(out, Coverage{ID: t.ID, Name: cmp.Or(t.Name, t.Short)})
		}
	}
	return out
}

// A Corpus counts the rules of each catalog that look for the same.
type Corpus struct {
	Total   int `json:"total"`
	Sigma   int `json:"sigma"`
	Splunk  int `json:"splunk"`
	Elastic int `json:"elastic"`
	Kusto   int `json:"kusto"`
}

// Catalogs are the names of the catalogs, in their order.
var Catalogs = []string{"sigma", "splunk", "elastic", "kusto"}

// Titles are the names of the catalogs for people, and Languages those of what their
// rules are written in.
var (
	Titles    = map[string]string{"sigma": "Sigma", "splunk": "Splunk", "elastic": "Elastic", "kusto": "Kusto"}
	Languages = map[string]string{"sigma": "yaml", "spl": "SPL", "eql": "EQL", "kuery": "KQL of Kibana", "kql": "Kusto KQL"}
)

// Add counts a rule of a catalog.
func (c *Corpus) Add(catalog string) {
	c.Total++
	*c.of(catalog)++
}

func (c *Corpus) of(catalog string) *int {
	switch catalog {
	case "sigma":
		return &c.Sigma
	case "splunk":
		return &c.Splunk
	case "elastic":
		return &c.Elastic
	case "kusto":
		return &c.Kusto
	}
	panic("no catalog " + catalog)
}

// String is c as a page shows it, catalogs in falling order: `9 (sigma 6, kusto
// 2, splunk 1)`.
func (c *Corpus) String() string {
	names := slices.DeleteFunc(slices.Clone(Catalogs), func(name string) bool { return *c.of(name) == 0 })
	slices.SortStableFunc(names, func(a, b string) int { return *c.of(b) - *c.of(a) })
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %d", name, *c.of(name)))
	}
	if len(parts) == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", c.Total, strings.Join(parts, ", "))
}
