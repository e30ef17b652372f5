package check

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"sigmac/internal/catalog"
	"sigmac/internal/lazy"
)

var tagForm = lazy.Regexp(`^[a-z0-9_-]+\.[a-z0-9._-]+$`)

// A namespace of tags: the check of its values, what they look like, and the
// words among them (specification 2.1.0, appendix tags).
type namespace struct {
	check string
	form  func() *regexp.Regexp
	words []string
	says  string
}

var namespaces = map[string]namespace{
	"attack": {"attacktag", lazy.Regexp(`^(?:t\d{4}(?:\.\d{3})?|[gs]\d{4}|ds\d{4}|[ma]\d{4}|ta\d{4})$`), nil, "a tactic, technique, group or software of ATT&CK"},
	"car":    {"cartag", lazy.Regexp(`^\d{4}-\d{2}-\d{3}$`), nil, "an analytic of CAR, as 2016-04-005"},
	"cve":    {"cvetag", lazy.Regexp(`^\d{4}-\d{4,}$`), nil, "a number of CVE, as 2021-44228"},
	"d3fend": {"d3_fendtag", lazy.Regexp(`^d3f?-[a-z0-9-]+$`), []string{"model", "harden", "detect", "isolate", "deceive", "evict"}, "a tactic, technique or artifact of D3FEND, as d3-am"},
	"detection": {"detection_tag", nil, []string{"dfir", "emerging-threats", "threat-hunting"},
		"one of dfir, emerging-threats and threat-hunting"},
	"stp": {"stptag", lazy.Regexp(`^[1-5][auk]?$`), nil, "a score of Summiting the Pyramid, as 4 or 3k"},
	"tlp": {"tlptag", nil, []string{"red", "amber", "amber-strict", "green", "clear", "white"}, "a level of TLP: red, amber, amber-strict, green or clear"},
}

func (s *subject) tags() {
	s.repeated("tags", "duplicate_tag")
	count := map[string]int{}
	for _, n := range s.list("tags") {
		space, name, ok := strings.Cut(n.Value, ".")
		if !tagForm().MatchString(n.Value) {
			s.find("tag_format", place(n), "%q is no tag: small letters, digits, - and _ behind a namespace and a dot%s", clip(n.Value), meaning(meantTag(n.Value)))
		}
		if !ok {
			continue
		}
		ns, known := namespaces[strings.ToLower(space)]
		if !known {
			s.find("namespace_tag", place(n), "no namespace of tags is named %q%s", clip(space), hint(space, []string{"attack", "car", "cve", "d3fend", "detection", "stp", "tlp"}))
			continue
		}
		if count[space]++; count[space] == 2 {
			switch space {
			case "detection":
				s.find("tags_unique_detection", place(n), "a second tag of the namespace detection")
			case "tlp":
				s.find("tags_unique_tlp", place(n), "a second tag of the namespace tlp")
			}
		}
		s.tag(n, strings.ToLower(name), ns)
	}
	for _, folder := range []string{"dfir", "emerging-threats", "threat-hunting"} {
		if strings.Contains(s.report.Path, "rules-"+folder) && !slices.ContainsFunc(s.list("tags"), func(n *yaml.Node) bool { return n.Value == "detection."+folder }) {
			s.find("tags_detection", s.doc.Pos, "a rule of this folder has the tag detection.%s", folder)
		}
	}
	s.tacticTags()
}

func (s *subject) tag(n *yaml.Node, name string, ns namespace) {
	ok := slices.Contains(ns.words, name) || ns.form != nil && ns.form().MatchString(name)
	meant := nearest(name, ns.words)
	if ns.check == "attacktag" {
		switch {
		case ns.form().MatchString(name) && !technique().MatchString(name):
		case technique().MatchString(name):
			t := catalog.Techniques([]string{n.Value})
			if ok = len(t) == 1 && t[0].Name != ""; ok && t[0].Successor != "" {
				s.find("attacktag", place(n), "ATT&CK has revoked %s; it is %s now", strings.ToUpper(name), t[0].Successor)
			}
			meant = meantTechnique(name)
		case tactics()[name] != "":
			ok = true
		default:
			meant = cmp.Or(meantTechnique(name), nearest(name, slices.Sorted(maps.Keys(tactics()))))
		}
	}
	if !ok {
		if meant != "" {
			space, _, _ := strings.Cut(n.Value, ".")
			meant = strings.ToLower(space) + "." + meant
		}
		f := s.find(ns.check, place(n), "%q is not %s%s", clip(n.Value), ns.says, meaning(meant))
		if dashed := strings.ReplaceAll(name, "_", "-"); f != nil && ns.check == "attacktag" && tactics()[dashed] != "" {
			f.Fix = s.report.replaceWord(n, "attack."+dashed) // as older rules have it
			f.Fix.mark()
		}
	}
	if ns.check != "tlptag" {
		return
	}
	if !slices.Contains([]string{"red", "amber", "green", "white"}, name) {
		s.find("tlpv1_tag", place(n), "%q is not a level of TLP 1.0", clip(n.Value))
	}
	if !slices.Contains([]string{"red", "amber", "amber-strict", "green", "clear"}, name) {
		s.find("tlpv2_tag", place(n), "%q is not a level of TLP 2.0", clip(n.Value))
	}
	if name != "clear" {
		s.find("tags_tlp", place(n), "the public rule set takes tlp.clear only")
	}
}

// meantTag is what a text that has not the form of a tag is a slip of, or empty: its
// letters small, or with a dot behind the namespace.
func meantTag(tag string) string {
	tag = strings.ToLower(tag)
	if i := strings.IndexAny(tag, "-_: "); i > 0 && !strings.Contains(tag, ".") {
		tag = tag[:i] + "." + tag[i+1:]
	}
	if space, _, _ := strings.Cut(tag, "."); tagForm().MatchString(tag) && namespaces[space].says != "" {
		return tag
	}
	return ""
}

var techniqueLike = lazy.Regexp(`^t(\d{4})\d*(?:\.0*(\d{1,3}))?\d*$`)

// meantTechnique is the technique whose number is written otherwise, or the one that a
// sub-technique that there is not would belong to, or empty.
func meantTechnique(name string) string {
	m := techniqueLike().FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	sub := "t" + m[1] + "." + strings.Repeat("0", max(3-len(m[2]), 0)) + m[2]
	for _, id := range []string{sub, "t" + m[1]} {
		if t := catalog.Techniques([]string{"attack." + id}); id != name && len(t) == 1 && t[0].Name != "" {
			return id
		}
	}
	return ""
}

var technique = lazy.Regexp(`^t\d{4}(?:\.\d{3})?$`)

// tactics are the names of tactics by what stands in tags.
var tactics = sync.OnceValue(func() map[string]string {
	out := map[string]string{"defense-evasion": "Defense Evasion"}
	for _, c := range catalog.Matrix() {
		out[c.Tactic.Short] = c.Tactic.Name
	}
	return out
})

// tacticTags asks for the tactics of the techniques that a rule names. The older
// Defense Evasion stands for the two that it was split into.
func (s *subject) tacticTags() {
	if !s.on("tags_techniques_without_tactics") {
		return
	}
	var tags, names []string
	for _, n := range s.list("tags") {
		tags = append(tags, n.Value)
		short, _ := strings.CutPrefix(n.Value, "attack.")
		names = append(names, tactics()[short])
	}
	if slices.Contains(names, "Defense Evasion") {
		names = append(names, "Stealth", "Defense Impairment")
	}
	missing := map[string][]string{}
	for _, t := range catalog.Techniques(tags) {
		for _, tactic := range t.Tactics {
			if !slices.Contains(names, tactic) {
				missing[tactic] = append(missing[tactic], t.ID)
			}
		}
	}
	for _, short := range slices.Sorted(maps.Keys(tactics())) {
		if ids := missing[tactics()[short]]; len(ids) > 0 {
			s.find("tags_techniques_without_tactics", s.doc.Pos, "%s is of the tactic attack.%s, which has no tag", strings.Join(ids, ", "), short)
		}
	}
}
