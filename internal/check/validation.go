package check

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
)

// core are the checks that are validators of pySigma itself; of its package for the public rule set
// are those of that profile, and hqToo. The others are sigmac's own.
const core = `all_of_them_condition dangling_condition dangling_detection them_condition_with_single_detection fieldname_logsource
	specific_instead_of_generic_logsource custom_attributes duplicate_filename duplicate_references duplicate_title filename_length
	identifier_existence identifier_uniqueness invalid_modifier_combinations attacktag cartag cvetag d3_fendtag detection_tag
	duplicate_tag namespace_tag stptag tlptag tlpv1_tag tlpv2_tag tag_format control_character double_wildcard escaped_wildcard
	number_as_string wildcards_instead_of_modifiers`

const (
	hqPrefix = "sigmahq_"
	hqToo    = "field_duplicate_value fieldname_cast invalid_fieldname logsource_unknown"
)

// Validator is the name that pySigma has for what the check looks for, or empty.
func (c Check) Validator() string {
	switch {
	case slices.Contains(strings.Fields(core), c.ID):
		return c.ID
	case c.Profile == "sigmahq" || slices.Contains(strings.Fields(hqToo), c.ID):
		return hqPrefix + c.ID
	}
	return ""
}

// Validator is the check of a validator's name, in any case.
func Validator(name string) (Check, bool) {
	low := strings.ToLower(name)
	c, ok := Lookup(strings.TrimPrefix(low, hqPrefix))
	return c, ok && c.Validator() == low
}

// settings are what may be set of checks, with the values that hold otherwise.
var settings = map[string]int{"filename_length.min_size": 10, "filename_length.max_size": 90, "title_length.max_length": 120,
	"description_length.description_len": 16}

// setting is the value of a setting, `check.name`.
func (l *linter) setting(name string) int {
	if n, ok := l.Settings[name]; ok {
		return n
	}
	return settings[name]
}

// A Validation is a configuration of pySigma's validators.
type Validation struct {
	On       map[string]bool     // checks of validators; the others of these are off
	All      bool                // every validator is on that On does not have
	Exclude  map[string][]string // checks by the id of a rule, in lower case; of rules without one, by ""
	Settings map[string]int      // by `check.name`
}

// ParseValidation reads a configuration of validators as `sigma check --validation-config` does: which
// are on, which are left out of which rules, and their settings. The errors are all of the file's.
func ParseValidation(path string, src []byte) (*Validation, []*ir.Diagnostic) {
	v := &Validation{On: map[string]bool{}, Exclude: map[string][]string{}, Settings: map[string]int{}}
	f, roots := parser.Open("validation", path, src)
	if len(f.Errors()) > 0 {
		return nil, f.Errors()
	}
	known := map[string]func(*parser.File, *yaml.Node){"validators": v.validators, "exclusions": v.exclusions, "config": v.config}
	for i, root := range roots {
		root = parser.Deref(root)
		if root.Kind != yaml.MappingNode || i > 0 {
			f.Fail(root, "a configuration of validators is one mapping, with validators, exclusions and config")
			continue
		}
		for _, e := range f.Entries(root) {
			if read, ok := known[e.Name]; ok {
				read(f, e.Value)
			} else {
				f.Fail(e.Key, "unknown key %q%s", e.Name, suggest.For(e.Name, []string{"validators", "exclusions", "config"}))
			}
		}
	}
	if errs := f.Errors(); len(errs) > 0 {
		return nil, errs
	}
	return v, nil
}

// validator is the id of the check of a validator that a node names, or empty.
func validator(f *parser.File, n *yaml.Node, name string) string {
	c, ok := Validator(name)
	if ok {
		return c.ID
	}
	var names []string
	for _, x := range Checks {
		if x.Validator() != "" {
			names = append(names, x.Validator())
		}
	}
	f.Fail(n, "unknown validator %q%s", name, suggest.For(name, names))
	return ""
}

func (v *Validation) validators(f *parser.File, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		f.Fail(n, "validators are a list of names")
		return
	}
	for _, x := range n.Content {
		x = parser.Deref(x)
		switch name, off := strings.CutPrefix(x.Value, "-"); {
		case x.Kind != yaml.ScalarNode:
			f.Fail(x, "here belongs the name of a validator")
		case x.Value == "all":
			v.All, v.On = true, map[string]bool{}
		default:
			if id := validator(f, x, name); id != "" {
				v.On[id] = !off
			}
		}
	}
}

func (v *Validation) exclusions(f *parser.File, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.Fail(n, "exclusions are a mapping of rules' ids to names of validators")
		return
	}
	for _, e := range f.Entries(n) {
		id := strings.ToLower(e.Name)
		if e.Key.Tag == "!!null" {
			id = ""
		}
		names := []*yaml.Node{e.Value}
		if e.Value.Kind == yaml.SequenceNode {
			names = e.Value.Content
		}
		for _, x := range names {
			if x = parser.Deref(x); x.Kind != yaml.ScalarNode {
				f.Fail(x, "here belongs the name of a validator")
			} else if name := validator(f, x, x.Value); name != "" {
				v.Exclude[id] = append(v.Exclude[id], name)
			}
		}
	}
}

func (v *Validation) config(f *parser.File, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.Fail(n, "config is a mapping of validators to their settings")
		return
	}
	for _, e := range f.Entries(n) {
		id := validator(f, e.Key, e.Name)
		if id == "" {
			continue
		}
		if e.Value.Kind != yaml.MappingNode {
			f.Fail(e.Value, "the settings of %s are a mapping", e.Name)
			continue
		}
		var can []string
		for name := range settings {
			if own, is := strings.CutPrefix(name, id+"."); is {
				can = append(can, own)
			}
		}
		for _, s := range f.Entries(e.Value) {
			number, err := strconv.Atoi(s.Value.Value)
			switch {
			case !slices.Contains(can, s.Name):
				f.Fail(s.Key, "the check %s has no setting %q in sigmac%s", id, s.Name, suggest.For(s.Name, can))
			case s.Value.Kind != yaml.ScalarNode || err != nil || number < 0:
				f.Fail(s.Value, "the setting %s is a whole number", s.Name)
			default:
				v.Settings[id+"."+s.Name] = number
			}
		}
	}
}

// Apply makes o what v says: of the checks that are validators it switches on and off, and gives
// none a milder severity than it has.
func (v *Validation) Apply(o *Options) {
	for _, c := range Checks {
		on, said := v.On[c.ID]
		switch {
		case c.Validator() == "":
		case !said && !v.All, said && !on:
			o.Severity[c.ID] = Off
		case o.severity(&c) != Off:
		case said && c.Severity != Off:
			o.Severity[c.ID] = c.Severity // whatever its profile
		case said || c.Profile == "":
			o.Severity[c.ID] = Warning
		}
	}
	o.Exclude, o.Settings = v.Exclude, v.Settings
}
