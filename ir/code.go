package ir

// The codes of faults that have no check of their own (package check): what machines know
// them by. Codes says of each what it is about.
const (
	NotYAML        = "not_yaml"
	NotSigma       = "not_sigma"
	Syntax         = "syntax"
	MissingKey     = "missing_key"
	DuplicateKey   = "duplicate_key"
	UnknownKey     = "unknown_key"
	UnknownType    = "unknown_type"
	UnknownMod     = "unknown_modifier"
	LikelySlip     = "likely_slip"
	InvalidValue   = "invalid_value"
	InvalidRegexp  = "invalid_regexp"
	OverLimit      = "over_limit"
	UnknownSource  = "unknown_logsource"
	RefusedBy      = "refused_by_pipeline"
	PipelineFault  = "pipeline_fault"
	CannotExpress  = "cannot_express"
	UnknownTable   = "unknown_table"
	UnknownColumn  = "unknown_column"
	NeverHeld      = "never_held"
	ListStays      = "list_stays"
	QueryTooLarge  = "query_too_large"
	BrokenMember   = "broken_member"
	QuerySyntax    = "query_syntax"
	CannotJudge    = "cannot_judge"
	CannotEvaluate = "cannot_evaluate"
	TestFailed     = "test_failed"
	OtherFault     = "other"
)

// Codes are the codes above with what they are about, in the order of a rule's way: from
// its text to a query, and to what is judged of that.
var Codes = [][2]string{
	{NotYAML, "the file is not YAML"},
	{NotSigma, "the file is YAML, and nothing in it is of Sigma"},
	{Syntax, "another fault in the form of a document"},
	{MissingKey, "a document lacks a key that it needs"},
	{DuplicateKey, "a key stands twice in a mapping"},
	{UnknownKey, "a key of a correlation that there is not"},
	{UnknownType, "a type of a correlation that there is not"},
	{UnknownMod, "a modifier that there is not"},
	{LikelySlip, "YAML that is read as another thing than it looks like"},
	{InvalidValue, "a value that its field's modifiers do not take"},
	{InvalidRegexp, "a text that is no regular expression"},
	{OverLimit, "more, longer or deeper than sigmac reads"},
	{UnknownSource, "no pipeline knows where the events of the log source are"},
	{RefusedBy, "a pipeline refuses the rule, as its target cannot hold it"},
	{PipelineFault, "a pipeline cannot be applied to the rule"},
	{CannotExpress, "the target has no way to say a part of the rule"},
	{UnknownTable, "no schema has the table, so types come from the rule's tests"},
	{UnknownColumn, "no schema has the field, so its type comes from the rule's tests"},
	{NeverHeld, "a column never holds what a test asks for"},
	{ListStays, "a long list stays in the query, and was to go into a lookup"},
	{QueryTooLarge, "a place of the target does not take a query as large"},
	{BrokenMember, "a rule of a correlation is wrong or missing"},
	{QuerySyntax, "the query cannot be read"},
	{CannotJudge, "the prover cannot judge a part of the query or the correlation"},
	{CannotEvaluate, "the rule cannot be tried on events"},
	{TestFailed, "a test of a rule has failed, or cannot be run"},
	{OtherFault, "none of these"},
}

// Class is the code of d: its own, else that of what is refused or of what says so.
func (d *Diagnostic) Class() string {
	switch {
	case d.Code != "":
		return d.Code
	case d.Feature != "":
		return CannotExpress
	case d.Source == "sigma":
		return Syntax
	case d.Source == "pipeline":
		return PipelineFault
	}
	return OtherFault
}
