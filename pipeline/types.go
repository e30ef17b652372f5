package pipeline

import "strings"

// A Type is what an item of a pipeline may be, or a condition of one.
type Type struct {
	Name        string
	Description string
}

// transformationTypes says what transformations do, a line each.
const transformationTypes = `
field_name_mapping renames fields; to a list: any of them may have the value
field_name_prefix_mapping renames what begins with a text
field_name_prefix puts a text before names of fields
field_name_suffix puts a text behind names of fields
field_name_transform is refused: it needs a function in Python
drop_detection_item removes items, which is a loss
hashes_fields splits values as MD5=… into fields
extract_fields splits values by the named groups of a regular expression
replace_string replaces in texts what a regular expression finds
map_string replaces whole texts, by one or by several
regex makes regular expressions of texts
set_value replaces values
convert_type makes texts of numbers, or numbers of texts
case writes texts in small letters, in capitals or in snake_case
wildcard_placeholders fills %name% with a wildcard, which is a loss
value_placeholders fills %name% with the values of a variable
query_expression_placeholders fills %name% with a piece of query language
file_placeholders fills %name% from a file below the pipeline's folder
http_placeholders fills %name% from a server, with --allow-external
command_placeholders fills %name% from a command, with --allow-external
add_condition adds a test to every condition of the rule
change_logsource replaces the log source, for the items after it
add_field adds to the rule's list of fields
remove_field takes from the rule's list of fields
set_field replaces the rule's list of fields
set_state sets what later items and the target look at
set_custom_attribute sets an attribute of the rule
rule_failure refuses the rule
detection_item_failure refuses a rule that has such an item
strict_field_mapping_failure refuses a rule with a field that no item has renamed
nest is a list of items as one`

// conditionTypes says when conditions hold: of a rule, of a detection item, of the name of a field.
const conditionTypes = `
rule logsource the rule's log source has these parts
rule contains_detection_item the rule asks for this value of the field
rule contains_field the rule asks for the field
rule processing_item_applied the item of that id has changed the rule
rule processing_state a state has this value
rule is_sigma_rule it is no correlation
rule is_sigma_correlation_rule it is a correlation
rule rule_attribute an attribute of the rule is as asked, also greater or less
rule tag the rule has the tag
detection_item match_string a value fits the regular expression as it is written
detection_item match_regex a regular expression fits the regular expression as it is written
detection_item match_value a value is this one
detection_item contains_wildcard a value has a wildcard
detection_item is_null a value is null
detection_item processing_item_applied the item of that id has changed the detection item
detection_item processing_state a state has this value
field_name include_fields the field is one of these
field_name exclude_fields the field is none of these
field_name processing_item_applied the item of that id has renamed the field
field_name processing_state a state has this value`

// Transformations are the types of items that change rules.
func Transformations() (out []Type) {
	for line := range strings.SplitSeq(transformationTypes[1:], "\n") {
		name, description, _ := strings.Cut(line, " ")
		out = append(out, Type{name, description})
	}
	return out
}

// Conditions are the types of conditions that an item may have, by what they look at: rule,
// detection_item or field_name.
func Conditions() map[string][]Type {
	out := map[string][]Type{}
	for line := range strings.SplitSeq(conditionTypes[1:], "\n") {
		of, rest, _ := strings.Cut(line, " ")
		name, description, _ := strings.Cut(rest, " ")
		out[of] = append(out[of], Type{name, description})
	}
	return out
}
