package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigmac/backends/kusto/read"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// masked is a query or a part of one with blanks for what its literals say and for its comments,
// byte for byte, and whether there is a comment (Microsoft Learn, Kusto: The string data type).
func masked(text string) (code string, comment bool) {
	out := []byte(text)
	blank := func(from, to int) {
		for i := from; i < to && i < len(out); i++ {
			if out[i] != '\n' {
				out[i] = ' '
			}
		}
	}
	for i := 0; i < len(text); {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, "//"):
			end := i + len(rest)
			if n := strings.IndexByte(rest, '\n'); n >= 0 {
				end = i + n
			}
			comment = true
			blank(i, end)
			i = end
		case strings.HasPrefix(rest, "```"), strings.HasPrefix(rest, "~~~"):
			end := len(text)
			if n := strings.Index(rest[3:], rest[:3]); n >= 0 {
				end = i + 3 + n
			}
			blank(i+3, end)
			i = end + 3
		case rest[0] == '"' || rest[0] == '\'':
			end := literalEnd(text, i)
			blank(i+1, end)
			i = end + 1
		default:
			i++
		}
	}
	return string(out), comment
}

// literalEnd is where the quote stands that ends a literal, or the end of the text.
func literalEnd(text string, start int) int {
	verbatim := start > 0 && text[start-1] == '@'
	for i := start + 1; i < len(text); i++ {
		switch {
		case !verbatim && text[i] == '\\':
			i++
		case text[i] == text[start]:
			if !verbatim || i+1 >= len(text) || text[i+1] != text[start] {
				return i
			}
			i++
		}
	}
	return len(text)
}

// items cuts a list at its commas.
func items(text string) (out []string) {
	code, _ := masked(text)
	depth, from := 0, 0
	for i := range len(code) {
		switch c := code[i]; {
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		case depth == 0 && c == ',':
			out = append(out, strings.TrimSpace(text[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(text[from:]))
}

var (
	plainName    = lazy.Regexp(`^[A-Za-z_][A-Za-z0-9_]*$`)
	quotedName   = lazy.Regexp(`^\[\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*\]$`)
	operatorName = lazy.Regexp(`^[a-z]+(?:-[a-z]+)*\b`)
	// assigned is a column and what it is.
	assigned = lazy.Regexp(`(?s)^([A-Za-z_][A-Za-z0-9_]*|\[[^\]]*\])\s*=([^=~].*)$`)
)

// columnName is the column that text names, or empty.
func columnName(text string) string {
	text = strings.TrimSpace(text)
	if plainName().MatchString(text) {
		return text
	}
	if m := quotedName().FindStringSubmatch(text); m != nil {
		return m[1] + m[2]
	}
	return ""
}

// times are the columns of when an event happened.
var times = []string{"Timestamp", "TimeGenerated"}

// remade are the times that a query makes anew.
func remade(query string) (out []string) {
	stages, err := read.Stages(query)
	if err != nil {
		return nil
	}
	for _, s := range stages {
		name, args := operator(s)
		if name != "extend" && !strings.HasPrefix(name, "project") {
			continue
		}
		for _, item := range items(args) {
			m := assigned().FindStringSubmatch(item)
			if m == nil {
				continue
			}
			if made := columnName(m[1]); slices.Contains(times, made) && columnName(m[2]) != made && !slices.Contains(out, made) {
				out = append(out, made)
			}
		}
	}
	return out
}

// operator is the operator of a stage, and what stands behind it.
func operator(s ir.Command) (name, args string) {
	name = operatorName().FindString(s.Text)
	return name, strings.TrimSpace(s.Text[len(name):])
}

// source is the table with which a statement begins, where it is named alone.
func source(s ir.Command) string {
	if name, _ := operator(s); slices.Contains(strings.Fields("count serialize consume getschema"), name) {
		return ""
	}
	return columnName(s.Text)
}

// among says whether a word is one of a text.
func among(text, word string) bool { return slices.Contains(strings.Fields(text), word) }

// nrtTables are those whose rules can run continuously (Microsoft Learn, as of 2026).
const nrtTables = `AlertEvidence CloudAppEvents DeviceEvents DeviceFileCertificateInfo DeviceFileEvents DeviceImageLoadEvents
	DeviceLogonEvents DeviceNetworkEvents DeviceNetworkInfo DeviceInfo DeviceProcessEvents DeviceRegistryEvents EmailAttachmentInfo EmailEvents
	EmailPostDeliveryEvents EmailUrlInfo IdentityDirectoryEvents IdentityLogonEvents IdentityQueryEvents UrlClickEvents
	ABAPAuditLog_CL ABAPChangeDocsLog_CL AuditLogs AWSCloudTrail AWSGuardDuty AzureActivity CommonSecurityLog GCPAuditLogs
	MicrosoftGraphActivityLogs OfficeActivity Okta_CL OktaV2_CL ProofpointPOD ProofPointTAPClicksPermitted_CL
	ProofPointTAPMessagesDelivered_CL SecurityAlert SecurityEvent SigninLogs`

// nrtStages are the operators that a query may have which runs continuously.
const nrtStages = "where extend project project-away project-rename parse"

// nrtFaults says why a query cannot run continuously: what is certain. A query that is not read has no
// fault but a comment.
func nrtFaults(query string) (faults []string) {
	fault := func(format string, args ...any) {
		if f := fmt.Sprintf(format, args...); !slices.Contains(faults, f) {
			faults = append(faults, f)
		}
	}
	if _, comment := masked(query); comment {
		fault("it has a comment")
	}
	stages, err := read.Stages(query)
	if err != nil {
		return faults
	}
	tables := 0
	for _, s := range stages {
		name, _ := operator(s)
		table := source(s)
		if table != "" {
			tables++
		}
		switch {
		case name == "let":
			fault("it has a let statement")
		case among(nrtStages, name):
		case tables > 1:
			fault("it has several tables")
		case table != "" && !among(nrtTables, table):
			fault("the table %s cannot be asked continuously", table)
		case table != "":
			if code, _ := masked(query); table == "EmailEvents" && nrtWithout().MatchString(code) {
				fault("the columns LatestDeliveryLocation and LatestDeliveryAction cannot be asked continuously")
			}
		default:
			fault("it has the operator %s, and only operators on one row are taken", cmp.Or(name, s.Name))
		}
	}
	return faults
}

var nrtWithout = lazy.Regexp(`\bLatestDelivery(?:Location|Action)\b`)

// nrtFunctions are the functions on the list of what can run continuously.
const nrtFunctions = `binary_and binary_or binary_xor binary_not binary_shift_left binary_shift_right tobool todatetime todouble
	toreal toguid toint tolong tostring totimespan ago datetime_add datetime_diff datetime_part dayofmonth dayofweek dayofyear endofday
	endofmonth endofweek endofyear getmonth getyear hourofday make_datetime make_timespan now startofday startofmonth startofweek startofyear
	weekofyear array_concat array_length pack_array pack parse_json parse_xml zip abs bin floor ceiling exp exp10 exp2 isfinite isinf isnan
	log log10 log2 pow round sign case iif iff max_of min_of base64_encodestring base64_decodestring countof extract extract_all indexof isempty
	isnotempty split strcat strcat_delim strlen substring tolower toupper hash_sha256 gettype isnotnull isnull columnifexists geo_location
	parse_cef_dictionary and or not in where extend project by dynamic datetime timespan time int long real bool guid`

// nrtOperators are operators on texts that are not on that list.
var nrtOperators = lazy.Regexp(`!?in~|!?\bhas_any\b|!?\bhas_all\b|!?\bhasprefix(?:_cs)?\b|!?\bhassuffix(?:_cs)?\b|!?\bbetween\b`)

var call = lazy.Regexp(`([A-Za-z_][A-Za-z0-9_]*)\s*\(`)

// nrtUnlisted is what a query uses that is not on the list: what the service does with it nobody says.
func nrtUnlisted(query string) (out []string) {
	code, _ := masked(query)
	add := func(word string) {
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	for _, word := range nrtOperators().FindAllString(code, -1) {
		add(word)
	}
	for _, m := range call().FindAllStringSubmatch(code, -1) {
		if !among(nrtFunctions, m[1]) && nrtOperators().FindString(m[1]) == "" {
			add(m[1])
		}
	}
	if verbatimRegexp().MatchString(code) {
		add("regular expression in a verbatim literal")
	}
	return out
}

var verbatimRegexp = lazy.Regexp(`matches\s+regex\s+[hH]?@`)
