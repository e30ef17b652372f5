package check

import "slices"

// A Check is one thing that is looked for.
type Check struct {
	ID       string
	Severity string // unless the configuration gives another
	Profile  string // that it belongs to; empty: to all
	Summary  string
	Why      string // what it does to a rule, and what to do
	Prover   bool   // it needs the prover
	Fixes    bool   // some findings can be mended
}

// Checks are all of them. The ids are those of pySigma's validators and of its
// profile for the public rule set, where they look for the same.
var Checks = []Check{
	{ID: "syntax", Severity: Error, Summary: "The file is not YAML, or not a Sigma document.",
		Why: "sigmac cannot read it, so it is converted by nobody. The message says what is expected. A condition with `| count()`, `| sum()` or `| avg()` and a timeframe, as before version 2, is turned into a correlation.", Fixes: true},
	{ID: "schema", Severity: Error, Summary: "A document does not fit the JSON schema of the specification.",
		Why: "Each attribute has a type, some have a set of values (`status`, `level`) or a form (`id`, `date`). Tools that validate refuse such a document. Tags and references have checks of their own. A date with slashes, as before version 2, can be mended. A warning in correlations and filters that can be read: practice is ahead of the specification there.", Fixes: true},
	{ID: "dangling_condition", Severity: Error, Summary: "A condition names a detection that there is not.",
		Why: "The rule cannot be converted. Mostly one of the two names is misspelt."},
	{ID: "dangling_detection", Severity: Warning, Summary: "No condition uses a detection.",
		Why: "Either it was forgotten in the condition, and the rule finds less, more or other events than it should, or it can go."},
	{ID: "invalid_modifier_combinations", Severity: Error, Summary: "Modifiers that exclude one another, or say nothing.",
		Why: "An error where there is no meaning; a warning where `all` stands at one value, or `base64offset` without `contains`; a note for `windash` with `all`, which sigmac converts exactly and others do not."},
	{ID: "all_of_them_condition", Severity: Note, Summary: "`all of them` in a condition.",
		Why: "It takes in every detection, also a filter that somebody adds later."},
	{ID: "them_condition_with_single_detection", Severity: Note, Summary: "`them` in a rule with one detection.",
		Why: "The name of the detection says more."},
	{ID: "fieldname_logsource", Severity: Warning, Summary: "A log source has an attribute that the specification does not name.",
		Why: "Pipelines look at `category`, `product` and `service` only, so what stands elsewhere restricts nothing."},
	{ID: "specific_instead_of_generic_logsource", Severity: Warning, Summary: "An event id of Sysmon, or 4688 of the security log, where there is a category.",
		Why: "A rule of the category also finds events from other sources, and pipelines map it."},
	{ID: "custom_attributes", Severity: Warning, Summary: "An attribute that looks like a misspelt one of Sigma.",
		Why: "Nobody reads it, so what it says is lost."},
	{ID: "custom_settings", Severity: Error, Summary: "The attribute `custom` has settings of detections that cannot be.",
		Why: "`custom.sigmac` says how the rule runs in a SIEM, and so do the keys that droid knows; `sigmac convert -f` refuses a rule whose settings it does not understand. docs/deploy.md has them."},
	{ID: "duplicate_filename", Severity: Warning, Summary: "Two files have one name.",
		Why: "Queries and alerts are mostly named by it."},
	{ID: "duplicate_references", Severity: Warning, Summary: "A reference stands twice.",
		Why: "The second one says nothing new.", Fixes: true},
	{ID: "duplicate_title", Severity: Warning, Summary: "Two documents have one title.",
		Why: "An alert shows the title, and does not say which of them it means."},
	{ID: "filename_length", Severity: Note, Summary: "A file's name has less than 10 or more than 90 characters.",
		Why: "Short ones say little, long ones break tools and screens."},
	{ID: "identifier_existence", Severity: Warning, Summary: "A document has no id.",
		Why: "Nothing else follows a rule when it is moved or renamed."},
	{ID: "identifier_uniqueness", Severity: Error, Summary: "Two documents have one id.",
		Why: "Filters, correlations and everything that keeps track of rules take one for the other."},
	{ID: "unknown_reference", Severity: Error, Summary: "A correlation or a filter names a rule that there is not.",
		Why: "It waits for events that no rule finds, or filters nothing. Mostly the name or the id is misspelt. A note where the rule may be among files that were not read: `--context` and `rules` in sigmac.yaml say where others are."},
	{ID: "ambiguous_reference", Severity: Error, Summary: "A correlation or a filter names several rules by one name.",
		Why: "Which of them is meant, nobody can say. An id is unique."},
	{ID: "unfit_reference", Severity: Error, Summary: "A filter is named where a rule is expected.",
		Why: "A filter is a condition on rules, and finds no events itself."},
	{ID: "correlation_group_by_field", Severity: Warning, Summary: "A correlation groups by a field that events of one of its rules have not.",
		Why: "An event without the field belongs to no group, so this rule never counts. `aliases` give a field another name by rule."},
	{ID: "correlation_alias_rule", Severity: Warning, Summary: "An alias of a correlation is for a rule that the correlation is not about.",
		Why: "Nobody reads it. Mostly the name is misspelt, and the rule that was meant has no alias."},
	{ID: "filter_logsource", Severity: Warning, Summary: "A filter names a rule of another log source.",
		Why: "A filter is joined to rules of its own log source only, so it does nothing to this one."},
	{ID: "cyclic_reference", Severity: Error, Summary: "A correlation is about itself, by way of what it names.",
		Why: "It waits for itself for ever."},
	{ID: "attacktag", Severity: Warning, Summary: "A tag names no tactic, technique, group or software of ATT&CK, or a technique that was revoked.",
		Why: "It counts for no coverage. Underscores in the name of a tactic, as older rules have them, can be mended.", Fixes: true},
	{ID: "cartag", Severity: Warning, Summary: "A tag names no analytic of CAR by its form.",
		Why: "The form is `car.2016-04-005`."},
	{ID: "cvetag", Severity: Warning, Summary: "A tag names no CVE by its form.",
		Why: "The form is `cve.2021-44228`."},
	{ID: "d3_fendtag", Severity: Warning, Summary: "A tag names no tactic, technique or artifact of D3FEND by its form.",
		Why: "The form is `d3fend.d3-am`."},
	{ID: "detection_tag", Severity: Warning, Summary: "A tag of the namespace detection is not one that the specification has.",
		Why: "These are `dfir`, `emerging-threats` and `threat-hunting`."},
	{ID: "stptag", Severity: Warning, Summary: "A tag is no score of Summiting the Pyramid.",
		Why: "The form is `stp.4` or `stp.3k`."},
	{ID: "tlptag", Severity: Warning, Summary: "A tag is no level of the Traffic Light Protocol.",
		Why: "The levels are those of either version."},
	{ID: "tlpv1_tag", Severity: Off, Summary: "A tag is no level of version 1.0 of the Traffic Light Protocol.",
		Why: "Off unless the configuration gives it a severity."},
	{ID: "tlpv2_tag", Severity: Off, Summary: "A tag is no level of version 2.0 of the Traffic Light Protocol.",
		Why: "Off unless the configuration gives it a severity."},
	{ID: "duplicate_tag", Severity: Warning, Summary: "A tag stands twice.",
		Why: "The second one says nothing new.", Fixes: true},
	{ID: "namespace_tag", Severity: Warning, Summary: "A tag of a namespace that the specification does not name.",
		Why: "Nobody looks for it there."},
	{ID: "tag_format", Severity: Warning, Summary: "A tag is not of the form that the schema asks for.",
		Why: "Small letters, digits, `-` and `_`, behind a namespace and a dot."},
	{ID: "control_character", Severity: Warning, Summary: "A control character stands in a value.",
		Why: "Mostly a backslash in double quotes that is not doubled: `\"C:\\temp\"` holds a tab, `\"\\net.exe\"` a line break, and the rule never matches. In single quotes a backslash is one."},
	{ID: "double_wildcard", Severity: Note, Summary: "`**` in a value.",
		Why: "It says no more than `*`.", Fixes: true},
	{ID: "escaped_wildcard", Severity: Note, Summary: "An escaped wildcard in a value.",
		Why: "`\\*` is the character itself. After a path, `\\\\*` is meant: a backslash and a wildcard."},
	{ID: "number_as_string", Severity: Note, Summary: "A number is written as a text.",
		Why: "A field of numbers is compared as one only if the value is written as one."},
	{ID: "wildcards_instead_of_modifiers", Severity: Note, Summary: "Wildcards at the ends of all values say what a modifier says.",
		Why: "`contains`, `startswith` and `endswith` are read faster, and need no escaping.", Fixes: true},
	{ID: "invalid_fieldname", Severity: Warning, Summary: "Events of the log source have no such field.",
		Why: "The test is never true, or always under a `not`. An error where the name is a misspelt one of the log source. Known are the fields of Sysmon's events on Windows, Linux and macOS, of PowerShell's, of proxies and of web servers."},
	{ID: "fieldname_cast", Severity: Error, Summary: "A field is written with other capitals than its events have.",
		Why: "Names of fields regard case in most targets."},
	{ID: "field_duplicate_value", Severity: Warning, Summary: "A value stands twice in its list.",
		Why: "The second one says nothing new.", Fixes: true},
	{ID: "case_variant", Severity: Note, Summary: "A value differs from another of its list in its case only.",
		Why: "Case does not count, unless `cased` or `re` says so.", Fixes: true},
	{ID: "suppression", Severity: Error, Summary: "A comment that silences findings is wrong.",
		Why: "It names an unknown check, or gives no reason."},
	{ID: "unused_suppression", Severity: Warning, Summary: "A comment silences nothing.",
		Why: "What it was about is mended; it would hide the next fault."},
	{ID: "never_matches", Severity: Error, Summary: "No event can match the rule, or a part of it.",
		Why: "Its parts contradict each other: mostly `and` stands where `or` is meant, or a value lacks a wildcard. A warning where one of several conditions, or a detection, can match nothing, and the rest can. Proved for every event whose fields have one value.", Prover: true},
	{ID: "excludes_everything", Severity: Error, Summary: "A filter excludes all that the rest of the rule finds.",
		Why: "No event can match. Proved for every event whose fields have one value.", Prover: true},
	{ID: "matches_everything", Severity: Error, Summary: "Every event matches the rule.",
		Why: "Mostly a `not` is wrong. Proved for every event.", Prover: true},
	{ID: "dead_exclusion", Severity: Warning, Summary: "A filter, or a part of one, excludes nothing.",
		Why: "What it matches is no event that the rest of the rule lets through: the values of filter and selection do not fit, so the false positives that it was written for are still found. Proved for every event whose fields have one value.", Prover: true},
	{ID: "implied_value", Severity: Note, Summary: "A value of a list is superfluous beside another.",
		Why: "All that it finds is found by the other one too. Sometimes the wider one is a mistake.", Prover: true, Fixes: true},
	{ID: "plain_regex", Severity: Note, Summary: "A regular expression is a plain text.",
		Why: "Modifiers say the same; targets search them faster, and can index them.", Prover: true, Fixes: true},
	{ID: "logsource_unknown", Severity: Warning, Summary: "A log source that neither the taxonomy nor a public rule has.",
		Why: "Mostly a name is misspelt. A pipeline refuses the rule then, or does not test where its events are from. Turn it off where you have log sources of your own."},

	// The conventions of the public rule set.
	{ID: "author_existence", Severity: Warning, Profile: "sigmahq", Summary: "The document has no author."},
	{ID: "ofthem_condition", Severity: Note, Profile: "sigmahq", Summary: "`of them` with one detection."},
	{ID: "ofselection_condition", Severity: Note, Profile: "sigmahq", Summary: "A pattern of a condition selects one detection."},
	{ID: "missing_asterisk_condition", Severity: Warning, Profile: "sigmahq", Summary: "`1 of` or `all of` without an asterisk."},
	{ID: "correlation_rules_minimum", Severity: Warning, Profile: "sigmahq", Summary: "A temporal correlation of less than two rules."},
	{ID: "correlation_group_by_existence", Severity: Warning, Profile: "sigmahq", Summary: "A correlation without group-by."},
	{ID: "date_existence", Severity: Warning, Profile: "sigmahq", Summary: "The document has no date."},
	{ID: "modified_date_order", Severity: Warning, Profile: "sigmahq", Summary: "Modified before it was written."},
	{ID: "modified_without_date", Severity: Warning, Profile: "sigmahq", Summary: "A date of change without a date of writing."},
	{ID: "redundant_modified", Severity: Note, Profile: "sigmahq", Summary: "Modified on the day of writing."},
	{ID: "description_existence", Severity: Warning, Profile: "sigmahq", Summary: "The document has no description."},
	{ID: "description_length", Severity: Warning, Profile: "sigmahq", Summary: "A description of less than 16 characters."},
	{ID: "link_in_description", Severity: Warning, Profile: "sigmahq", Summary: "A link in the description, and no references."},
	{ID: "category_event_id", Severity: Warning, Profile: "sigmahq", Summary: "A category with an EventID that it implies."},
	{ID: "category_windows_provider_name", Severity: Warning, Profile: "sigmahq", Summary: "A category with a Provider_Name that it implies."},
	{ID: "unsupported_regex_group_construct", Severity: Warning, Profile: "sigmahq", Summary: "Look-around or atomic groups in a regular expression."},
	{ID: "falsepositives_capital", Severity: Note, Profile: "sigmahq", Summary: "A false positive without a capital."},
	{ID: "falsepositives_banned_word", Severity: Warning, Profile: "sigmahq", Summary: "A false positive with a word that says nothing."},
	{ID: "falsepositives_typo_word", Severity: Note, Profile: "sigmahq", Summary: "A false positive with a misspelt word."},
	{ID: "space_field_name", Severity: Warning, Profile: "sigmahq", Summary: "A blank in the name of a field."},
	{ID: "invalid_all_modifier", Severity: Warning, Profile: "sigmahq", Summary: "`all` with one value."},
	{ID: "field_user", Severity: Warning, Profile: "sigmahq", Summary: "The name of an account in one language."},
	{ID: "invalid_hash_kv", Severity: Warning, Profile: "sigmahq", Summary: "A value of Hashes that is not KIND=HASH."},
	{ID: "redundant_field", Severity: Note, Profile: "sigmahq", Summary: "A field that the log source implies."},
	{ID: "fields_existence", Severity: Note, Profile: "sigmahq", Summary: "The attribute fields, which is deprecated."},
	{ID: "unknown_field", Severity: Warning, Profile: "sigmahq", Summary: "An attribute that the specification does not name."},
	{ID: "filename_convention", Severity: Warning, Profile: "sigmahq", Summary: "A file's name of other characters than small letters, digits and `_`."},
	{ID: "correlation_filename_prefix", Severity: Warning, Profile: "sigmahq", Summary: "A correlation's file whose name does not start with `correlation_`."},
	{ID: "filename_prefix", Severity: Note, Profile: "sigmahq", Summary: "A file's name that does not start as those of its log source."},
	{ID: "level_existence", Severity: Warning, Profile: "sigmahq", Summary: "The document has no level."},
	{ID: "sysmon_missing_eventid", Severity: Warning, Profile: "sigmahq", Summary: "A rule for Sysmon's whole log without an EventID."},
	{ID: "github_link", Severity: Note, Profile: "sigmahq", Summary: "A link to a branch on GitHub, in the place of a commit."},
	{ID: "mitre_link", Severity: Note, Profile: "sigmahq", Summary: "A link to ATT&CK, in the place of a tag."},
	{ID: "status_existence", Severity: Warning, Profile: "sigmahq", Summary: "The document has no status."},
	{ID: "status", Severity: Warning, Profile: "sigmahq", Summary: "A deprecated or unsupported rule in another folder."},
	{ID: "status_to_high", Severity: Warning, Profile: "sigmahq", Summary: "A new rule that is not experimental; needs `--as-of`."},
	{ID: "tags_unique_detection", Severity: Warning, Profile: "sigmahq", Summary: "Two tags of the namespace detection."},
	{ID: "tags_detection", Severity: Warning, Profile: "sigmahq", Summary: "A rule of a special folder without its tag."},
	{ID: "tags_unique_tlp", Severity: Warning, Profile: "sigmahq", Summary: "Two tags of the namespace tlp."},
	{ID: "tags_tlp", Severity: Warning, Profile: "sigmahq", Summary: "A tag of TLP other than clear."},
	{ID: "tags_techniques_without_tactics", Severity: Note, Profile: "sigmahq", Summary: "A technique without the tag of its tactic."},
	{ID: "title_length", Severity: Warning, Profile: "sigmahq", Summary: "A title of more than 120 characters."},
	{ID: "title_start", Severity: Warning, Profile: "sigmahq", Summary: "A title that starts with Detects."},
	{ID: "title_end", Severity: Warning, Profile: "sigmahq", Summary: "A title that ends with a dot."},
	{ID: "title_case", Severity: Note, Profile: "sigmahq", Summary: "A word of a title without a capital."},
}

// Lookup is the check of that name.
func Lookup(id string) (Check, bool) {
	i := slices.IndexFunc(Checks, func(c Check) bool { return c.ID == id })
	if i < 0 {
		return Check{}, false
	}
	return Checks[i], true
}

// IDs are the names of all checks.
func IDs() (ids []string) {
	for _, c := range Checks {
		ids = append(ids, c.ID)
	}
	return ids
}
