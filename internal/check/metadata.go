package check

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/internal/lazy"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
)

// known are the attributes of documents (specification 2.1.0, "Rule Attributes"),
// and those by which the public rule set keeps its tests.
var known = map[parser.Kind][]string{
	parser.Rule: {"title", "id", "name", "related", "taxonomy", "status", "description", "license", "author", "references", "date", "modified",
		"tags", "logsource", "detection", "falsepositives", "fields", "level", "scope"},
	parser.CorrelationRule: {"title", "id", "name", "related", "taxonomy", "status", "description", "license", "author", "references", "date",
		"modified", "tags", "correlation", "falsepositives", "fields", "level", "scope", "generate"},
	parser.FilterRule: {"title", "id", "name", "related", "taxonomy", "status", "description", "license", "author", "references", "date",
		"modified", "tags", "logsource", "filter", "falsepositives", "fields", "level", "scope"},
}

var tests = []string{"regression_tests_path", "simulation"}

// misspelt are custom attributes that are meant to be others, but not by their
// letters.
var misspelt = map[string]string{"reference": "references", "tag": "tags", "falsepositive": "falsepositives", "false_positives": "falsepositives", "severity": "level"}

var (
	isoDate = lazy.Regexp(`^\d{4}-\d{2}-\d{2}$`)
	anyLink = lazy.Regexp(`(?i)https?://|internal research`)
	github  = lazy.Regexp(`^https://github\.com/.*\.\w{1,3}$`)
	commit  = lazy.Regexp(`/[0-9a-z]{40}/`)
)

// lowercase are the words of a title that need no capital.
var lowercase = strings.Fields("the for in with via on to without of through from by as a or at and an over new")

// metadata looks at what a document says of itself.
func (s *subject) metadata() {
	kind := s.doc.Kind
	for i := 0; i+1 < len(s.root.Content); i += 2 {
		k := s.root.Content[i]
		if slices.Contains(known[kind], k.Value) || slices.Contains(tests, k.Value) || k.Value == "custom" || k.Tag == "!!merge" || kind == parser.Unreadable {
			continue
		}
		if meant := cmp.Or(misspelt[strings.ToLower(k.Value)], nearest(k.Value, known[kind])); meant != "" {
			s.find("custom_attributes", place(k), "the attribute %q is not one of Sigma%s", clip(k.Value), meaning(meant))
		} else {
			s.find("unknown_field", place(k), "the attribute %q is not one of Sigma", clip(k.Value))
		}
	}
	if _, _, ok := s.text("id"); !ok {
		s.find("identifier_existence", s.doc.Pos, "the document has no id")
	}
	s.repeated("references", "duplicate_references")
	title, at, ok := s.text("title")
	if n := utf8.RuneCountInString(title); n > s.setting("title_length.max_length") {
		s.find("title_length", at, "the title has %d characters, and %d are enough", n, s.setting("title_length.max_length"))
	}
	if strings.HasPrefix(title, "Detects ") || strings.HasPrefix(title, "Detect ") {
		s.find("title_start", at, "a title names what is found, without %q", strings.Fields(title)[0])
	}
	if strings.HasSuffix(title, ".") {
		s.find("title_end", at, "the title ends with a dot")
	}
	if ok && kind == parser.Rule {
		for _, w := range strings.Fields(title) {
			if w == strings.ToLower(w) && w != strings.ToUpper(w) && !slices.Contains(lowercase, w) && !strings.ContainsAny(w, "./_") && !unicode.IsDigit(rune(w[0])) {
				s.find("title_case", at, "the word %q of the title needs a capital", clip(w))
			}
		}
	}
	for _, name := range []string{"author", "date", "description", "level", "status"} {
		if text, _, ok := s.text(name); !ok || text == "" {
			s.find(name+"_existence", s.doc.Pos, "the document has no %s", name)
		}
	}
	description, at, ok := s.text("description")
	if n := utf8.RuneCountInString(strings.TrimSpace(description)); ok && n < s.setting("description_length.description_len") {
		s.find("description_length", at, "the description has %d characters, and less than %d say little", n, s.setting("description_length.description_len"))
	}
	if m := anyLink().FindString(description); m != "" && len(s.list("references")) == 0 {
		s.find("link_in_description", at, "%q stands in the description, and there are no references", m)
	}
	for _, r := range s.list("references") {
		if github().MatchString(r.Value) && !commit().MatchString(r.Value) {
			s.find("github_link", place(r), "a link to a branch changes; one to a commit does not")
		}
		if strings.HasPrefix(r.Value, "https://attack.mitre.org/") {
			s.find("mitre_link", place(r), "a technique of ATT&CK is a tag, as attack.t1053.003")
		}
	}
	if k, _ := s.attribute("fields"); k != nil {
		s.find("fields_existence", place(k), "the attribute fields is deprecated")
	}
	s.dates()
	for _, fp := range s.list("falsepositives") {
		s.falsePositive(fp)
	}
}

// nearest is the word that a name is likely meant to be: with one or two edits,
// never a short one.
func nearest(name string, words []string) string {
	hint := hint(strings.ToLower(name), words)
	meant := strings.TrimSuffix(strings.TrimPrefix(hint, `; did you mean "`), `"?`)
	if hint == "" || len(name) < 4 || abs(len(name)-len(meant)) > 1 {
		return ""
	}
	return meant
}

// meaning is `; did you mean "x"?`, or empty without a word.
func meaning(word string) string {
	if word == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", word)
}

// hint is `; did you mean "x"?`, or empty; a long text is no misspelt word.
func hint(s string, words []string) string {
	if len(s) > 100 {
		return ""
	}
	return suggest.For(s, words)
}

func abs(n int) int { return max(n, -n) }

// repeated tells of entries of a list that stand there twice, and offers to take
// them out.
func (s *subject) repeated(attribute, id string) {
	seen := map[string]bool{}
	for _, n := range s.list(attribute) {
		if seen[n.Value] {
			if f := s.find(id, place(n), "%q stands here twice", clip(n.Value)); f != nil {
				f.Fix = s.withoutLine(n)
				f.Fix.mark()
			}
		}
		seen[n.Value] = true
	}
}

func (s *subject) dates() {
	date, _, dated := s.text("date")
	modified, at, changed := s.text("modified")
	if changed && !dated {
		s.find("modified_without_date", at, "a document that was modified has a date")
	}
	if changed && isoDate().MatchString(date) && isoDate().MatchString(modified) {
		if modified < date {
			s.find("modified_date_order", at, "modified on %s, before %s when it was written", modified, date)
		}
		if modified == date {
			s.find("redundant_modified", at, "modified on the day when it was written")
		}
	}
	status, at, _ := s.text("status")
	if status == "deprecated" || status == "unsupported" {
		if folder := "/" + strings.ReplaceAll(s.report.Path, `\`, "/"); !strings.Contains(folder, "/"+status+"/") {
			s.find("status", at, "a rule that is %s stands in a folder of that name", status)
		}
	}
	if s.AsOf != "" && (status == "test" || status == "stable") && isoDate().MatchString(date) {
		written, err := time.Parse(time.DateOnly, date)
		now, err2 := time.Parse(time.DateOnly, s.AsOf)
		if err == nil && err2 == nil && now.Sub(written) <= 60*24*time.Hour && s.value("regression_tests_path") == nil {
			s.find("status_to_high", at, "a rule of %s is not yet %s; a new one is experimental", date, status)
		}
	}
}

func (s *subject) falsePositive(n *yaml.Node) {
	first, _ := utf8.DecodeRuneInString(n.Value)
	if unicode.IsLower(first) {
		s.find("falsepositives_capital", place(n), "%q needs a capital", clip(strings.Fields(n.Value)[0]))
	}
	for _, w := range strings.Fields(strings.ToLower(n.Value)) {
		switch w = strings.Trim(w, ".,;"); w {
		case "none", "pentest", "penetration":
			s.find("falsepositives_banned_word", place(n), "%q says nothing of what else looks the same; write Unlikely or Unknown", w)
		case "unkown", "ligitimate", "legitim", "legitimeate":
			s.find("falsepositives_typo_word", place(n), "%q is misspelt", w)
		}
	}
}

// withoutLine is the fix that takes a value of a block list away, or nil.
func (s *subject) withoutLine(n *yaml.Node) *Fix {
	return s.report.withoutLine(place(n), n.Value)
}

func (s *subject) filename() {
	name := baseName(s.report.Path)
	if s.report.Path == "-" {
		return
	}
	least, most := s.setting("filename_length.min_size"), s.setting("filename_length.max_size")
	if n := utf8.RuneCountInString(name); n < least || n > most {
		s.findIn("filename_length", ir.Span{Start: s.doc.Pos}, "the name %s has %d characters, and %d to %d are usual", name, n, least, most)
	}
	if !filenameForm().MatchString(name) || !strings.Contains(name, "_") {
		s.findIn("filename_convention", ir.Span{Start: s.doc.Pos}, "the name %s is not one of small letters, digits and _, that ends with .yml", name)
	}
	switch {
	case s.doc.Kind == parser.CorrelationRule && !strings.HasPrefix(name, "correlation_"):
		s.findIn("correlation_filename_prefix", ir.Span{Start: s.doc.Pos}, "the name of a correlation's file starts with correlation_")
	case s.doc.Rule != nil && !bytes.Contains(s.report.Data, []byte("\n---")):
		if want := prefixOf(s.doc.Rule.Source); want != "" && !strings.HasPrefix(name, want) {
			s.findIn("filename_prefix", ir.Span{Start: s.doc.Pos}, "the name of a file of this log source starts with %s", want)
		}
	}
}

var filenameForm = lazy.Regexp(`^[a-z0-9_]{10,90}\.yml$`)

// correlation looks at what a correlation asks for.
func (s *subject) correlation(c *ir.Correlation) {
	_, at := s.attribute("correlation")
	pos := s.doc.Pos
	if at != nil {
		pos = place(at)
	}
	if strings.HasPrefix(c.Type.Text, "temporal") && len(c.Rules) < 2 {
		s.find("correlation_rules_minimum", pos, "what stands in order, or near in time, is two rules at least")
	}
	if len(c.GroupBy) == 0 {
		s.find("correlation_group_by_existence", pos, "without group-by the events of all hosts and users are counted together")
	}
}
