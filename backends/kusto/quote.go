package kusto

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"sigmac/backends"
)

// quote writes s as a string of KQL. No string holds what is not UTF-8.
func quote(s string) (lit string, ok bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	if !backends.HasHidden(s) {
		switch {
		case strings.Contains(s, `\`):
			return `@"` + strings.ReplaceAll(s, `"`, `""`) + `"`, true
		case !strings.Contains(s, `"`):
			return `"` + s + `"`, true
		}
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case backends.Hidden(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case backends.Hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String(), true
}

var nameEscaper = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// keywords are the words that the grammar has a token for (KqlTokens.g4), and
// `not`.
var keywords = sync.OnceValue(func() map[string]bool {
	return wordSet(`
	access accumulate admins aggregations alias all and anomalychart anomalycolumns areachart as asc axes
	bagexpansion barchart base between bin bin_legacy bool boolean by byte card char cluster columnchart consume
	contains contains_cs containscs count database datascope datatable date datetime decimal declare decodeblocks
	default delta desc distinct double dynamic endswith endswith_cs entity_group evaluate execute expandoutput
	extend external_data externaldata facet false False FALSE filter find first flags float folder fork from
	function getschema groups guid has has_all has_any has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs hidden
	hot hotcache hotdata hotindex id in int int16 int32 int64 int8 into invoke isfuzzy join kind ladderchart last
	legend let like likecs limit linear linechart list log long lookup map matches materialize mvapply mvexpand
	none nooptimization not notcontains notcontainscs notlike notlikecs null nulls of on optional or order others
	output pack panels parse partition pattern piechart pivotchart plugin print project query_parameters range
	real reduce regex relaxed render replace restrict sample scan scatterchart search serialize series set simple
	sort stacked stacked100 stackedareachart startswith startswith_cs step string summarize table take threshold
	time timechart timeline timepivot timespan title to top toscalar totable treemap true True TRUE type typeof
	uint uint16 uint32 uint64 uint8 ulong union uniqueid unstacked uuid view visible where with with_itemindex
	with_match_id with_source with_step_name withsource xaxis xcolumn xmax xmin xtitle yaxis ycolumns ymax ymin
	ysplit ytitle
	__contextual_datatable __crossCluster __crossDB __executeAndCache __id __isFuzzy __noWithSource __packedColumn
	__partitionby __projectAway __sourceColumnIndex`)
})

func wordSet(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

// entity writes the name of a column or a table. No name holds a character
// that cannot be seen.
func entity(s string) (lit string, ok bool) {
	if identifier(s) {
		return s, true
	}
	if s == "" || !utf8.ValidString(s) || backends.HasHidden(s) {
		return "", false
	}
	return "['" + nameEscaper.Replace(s) + "']", true
}

// identifier says whether s may stand without brackets.
func identifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && !keywords()[s]
}
