package kusto_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sigmac/backends"
	"sigmac/backends/backendtest"
	"sigmac/backends/kusto"
	"sigmac/backends/kusto/read"
	"sigmac/ir"
	"sigmac/tail"
	"sigmac/targets"
)

var update = flag.Bool("update", false, "write testdata/correlations.kql")

// text, number and date are fields.
func text(name string) ir.Field   { return ir.Field{Name: name, Type: ir.Text} }
func number(name string) ir.Field { return ir.Field{Name: name, Type: ir.Numeric} }

// An option changes a correlation.
type option func(*backends.Correlation)

// rule adds a rule over events of a table, which it groups by a column of its own.
func rule(name, table, group string, e ir.Expr) option {
	return func(c *backends.Correlation) {
		r := backends.CorrelatedRule{Name: name, Time: "Timestamp", Rule: &ir.Rule{Scope: ir.Scope{Table: table}, Conditions: []ir.Condition{{Expr: e}}}}
		if group != "" {
			r.Group = [][]ir.Field{{text(group)}}
		}
		c.Rules = append(c.Rules, r)
		c.Correlation.Rules = append(c.Correlation.Rules, ir.Name{Text: name})
	}
}

func limit(op, n string) option {
	return func(c *backends.Correlation) {
		c.Condition = append(c.Condition, ir.Limit{Op: op, Number: ir.Number(n)})
	}
}

// of sets the columns of the condition.
func of(columns ...ir.Field) option {
	return func(c *backends.Correlation) {
		for _, f := range columns {
			c.Fields = append(c.Fields, f.Name)
			for i := range c.Rules {
				c.Rules[i].Fields = append(c.Rules[i].Fields, []ir.Field{f})
			}
		}
	}
}

func keep(columns ...ir.Field) option {
	return func(c *backends.Correlation) {
		for i := range c.Rules {
			c.Rules[i].Keep = columns
		}
	}
}

func within(d time.Duration) option    { return func(c *backends.Correlation) { c.Timespan.Length = d } }
func tumbling(c *backends.Correlation) { c.Method = backends.Tumbling }

// grouped groups by these columns beside those that there are.
func grouped(name string, fields ...ir.Field) option {
	return func(c *backends.Correlation) {
		c.Group = append(c.Group, name)
		for i := range c.Rules {
			c.Rules[i].Group = append(c.Rules[i].Group, fields)
		}
	}
}

func correlate(kind string, options ...option) *backends.Correlation {
	c := &backends.Correlation{Correlation: &ir.Correlation{Type: ir.Name{Text: kind}, Timespan: ir.Timespan{Length: 5 * time.Minute}},
		Method: backends.Sliding, Disjoint: func(i, j int) bool { return false }}
	for _, o := range options {
		o(c)
	}
	if len(c.Rules) > 0 && len(c.Rules[0].Group) > len(c.Group) {
		c.Group = slices.Insert(c.Group, 0, "Device")
	}
	return c
}

func matches(column, value string) ir.Expr { return ir.Match{Field: text(column), Test: ir.Lit(value)} }

var (
	net   = rule("net", "DeviceProcessEvents", "DeviceId", matches("FileName", "net.exe"))
	whoAm = rule("who", "DeviceProcessEvents", "DeviceId", matches("FileName", "whoami.exe"))
	smb   = rule("smb", "DeviceNetworkEvents", "DeviceId", ir.Match{Field: number("RemotePort"), Test: ir.Compare{Op: ir.Eq, Number: "445"}})
	alone = rule("alone", "DeviceProcessEvents", "", matches("FileName", "net.exe"))
)

func formula(e ir.Expr) option { return func(c *backends.Correlation) { c.Formula = e } }

func percentile(p string) option {
	return func(c *backends.Correlation) { c.Percentile = ir.Number(p) }
}

// written are the correlations of testdata/correlations.kql.
var written = []struct {
	name string
	c    *backends.Correlation
}{
	{"a least number of events", correlate("event_count", net, limit("gte", "10"), keep(text("AccountName")))},
	{"more than a number that is not whole, in one group", correlate("event_count", alone, limit("gt", "2.5"), within(36*time.Hour))},
	{"every event", correlate("event_count", net, limit("gte", "1"))},
	{"a range of numbers, of two tables", correlate("event_count", net, whoAm, smb, limit("gte", "2"), limit("lt", "5"), keep(text("InitiatingProcessFileName")))},
	{"no such number, in one group", correlate("event_count", alone, limit("neq", "3"))},
	{"values", correlate("value_count", net, limit("gte", "3"), of(text("AccountName")))},
	{"tuples of values, in one group", correlate("value_count", alone, limit("lt", "3"), of(text("AccountName"), number("ProcessId")))},
	{"a sum", correlate("value_sum", net, limit("gt", "1000000"), of(number("FileSize")), keep(text("AccountName")))},
	{"an average, in one group", correlate("value_avg", alone, limit("lte", "0.5"), of(number("FileSize")), within(7*24*time.Hour))},
	{"a percentile", correlate("value_percentile", net, percentile("99.5"), limit("gte", "1000"), of(number("FileSize")))},
	{"a median, of two tables", correlate("value_median", net, smb, limit("gte", "1000"), of(number("InitiatingProcessFileSize")),
		func(c *backends.Correlation) { c.Disjoint = func(i, j int) bool { return true } })},
	{"all rules", correlate("temporal", net, whoAm, smb, keep(text("InitiatingProcessFileName")))},
	{"some rules, in one group", correlate("temporal", alone, rule("other", "DeviceNetworkEvents", "", ir.True), limit("gte", "1"))},
	{"a formula", correlate("temporal", net, whoAm, smb, formula(ir.And{ir.Ref{Name: "net"}, ir.Not{X: ir.Of{Names: []string{"who", "smb"}}}}))},
	{"rules in order", correlate("temporal_ordered", net, whoAm, smb)},
	{"two rules in order, in one group", correlate("temporal_ordered", alone, rule("other", "DeviceNetworkEvents", "", ir.True))},
	{"fixed borders, events", correlate("event_count", net, limit("gte", "10"), tumbling, keep(text("AccountName")))},
	{"fixed borders, values", correlate("value_count", net, limit("gte", "3"), of(text("AccountName")), tumbling)},
	{"fixed borders, a percentile, in one group", correlate("value_percentile", alone, percentile("50"), limit("gte", "3"), of(number("FileSize")), tumbling, within(48*time.Hour))},
	{"fixed borders, rules", correlate("temporal", net, smb, tumbling)},
	{"fixed borders, a formula", correlate("temporal", net, smb, formula(ir.Or{ir.Ref{Name: "net"}, ir.Ref{Name: "smb"}}), tumbling)},
	{"a group of several columns, and of two tables with numbers", correlate("event_count", net, smb, limit("gte", "2"),
		grouped("User", text("AccountName"), text("InitiatingProcessAccountName")), grouped("Number", number("InitiatingProcessId")),
		grouped("Remote", ir.Field{Name: "IsInitiatingProcessRemoteSession", Type: ir.Boolean}),
		func(c *backends.Correlation) { c.Rules[1].Group[1] = []ir.Field{text("InitiatingProcessAccountName")} })},
	{"columns that are computed", correlate("value_count", rule("path", "DeviceProcessEvents", "", ir.And{matches("Path", `C:\a`), matches("FileName", "a")}),
		limit("gte", "2"), of(text("Who")), grouped("Path", text("Path")), func(c *backends.Correlation) {
			c.Rules[0].Rule.Computed = []ir.Computed{{Name: "Path", Text: `strcat(FolderPath, @"\", FileName)`, Type: "string"},
				{Name: "Who", Text: "tolower(AccountName)", Type: "string"}, {Name: "Unused", Text: "FileName", Type: "string"}}
		})},
	{"a place in JSON", correlate("value_sum", alone, limit("gte", "2"), of(ir.Field{Name: "AdditionalFields.size", Type: ir.JSON}),
		grouped("AdditionalFields.user", ir.Field{Name: "AdditionalFields.user", Type: ir.JSON}))},
	{"one table, and a column of the group for each rule", correlate("temporal", rule("from", "DeviceNetworkEvents", "LocalIP", ir.True),
		rule("to", "DeviceNetworkEvents", "RemoteIP", ir.True), rule("also", "DeviceNetworkEvents", "LocalIP", matches("Protocol", "Tcp")), func(c *backends.Correlation) {
			c.Rules[0].Keep, c.Rules[2].Keep = []ir.Field{text("RemoteUrl")}, []ir.Field{text("Protocol")}
		})},
	{"names that are taken", correlate("temporal", rule(`a", "b`, "DeviceProcessEvents", "", matches("FileName", `x" | take 1 //`)), rule(`c\`, "DeviceProcessEvents", "", matches("FileName", "y\n")),
		limit("gte", "1"), grouped("t", text("AccountName")), grouped("end", text("DeviceId")), grouped("r1", text("DeviceName")), grouped("s", text("FileName")), grouped("']); x", text("SHA1")), keep(text("start"), text("n")),
		func(c *backends.Correlation) {
			for i := range c.Rules {
				c.Rules[i].Rule.Computed = []ir.Computed{{Name: "start", Text: "SHA256", Type: "string"}, {Name: "n", Text: "MD5", Type: "string"}}
			}
		})},
	{"a column that is a number in one table and a text in another", correlate("temporal", app, signIn,
		func(c *backends.Correlation) {
			c.Rules[0].Keep, c.Rules[1].Keep = []ir.Field{number("ApplicationId")}, []ir.Field{text("ApplicationId")}
		})},
	{"a sum of numbers of one table and texts of another", correlate("value_sum", app, signIn, limit("gte", "3"), of(number("ApplicationId")),
		func(c *backends.Correlation) {
			c.Rules[1].Fields = [][]ir.Field{{text("ApplicationId")}}
		})},
}

// app and signIn are rules over tables that have a column with two types.
var (
	app    = rule("app", "CloudAppEvents", "AccountObjectId", ir.Match{Field: number("ApplicationId"), Test: ir.Compare{Op: ir.Eq, Number: "5"}})
	signIn = rule("signin", "AADSignInEventsBeta", "AccountObjectId", matches("ApplicationId", "five"))
)

// types are those of the columns of these correlations.
var types = ir.Types{"Timestamp": ir.Date, "FileSize": ir.Numeric, "InitiatingProcessFileSize": ir.Numeric, "ProcessId": ir.Numeric, "RemotePort": ir.Numeric,
	"InitiatingProcessId": ir.Numeric, "IsInitiatingProcessRemoteSession": ir.Boolean, "AdditionalFields": ir.JSON, "ApplicationId": ir.Numeric}

// byTable are types, and those of columns that a table has otherwise.
type byTable struct{ ir.Types }

func (s byTable) Type(table, name string) (ir.Type, bool) {
	if table == "AADSignInEventsBeta" && name == "ApplicationId" {
		return ir.Text, true
	}
	return s.Types.Type(table, name)
}

// TestWritten holds the texts of queries, and that each is read.
func TestWritten(t *testing.T) {
	const file = "testdata/correlations.kql"
	var out strings.Builder
	for _, c := range written {
		got, err := kusto.Correlate(c.c)
		if err != nil {
			t.Fatalf("%s: %s", c.name, err)
		}
		doc := got.Queries[0].Doc
		out.WriteString("// " + c.name + "\n" + doc.Pretty() + "\n\n")
		q, err := targets.Must("kusto").ReadTail(doc.Flat(), byTable{types})
		if err != nil {
			t.Errorf("%s: %s\n%s", c.name, err, doc.Flat())
			continue
		}
		pretty, err := targets.Must("kusto").ReadTail(doc.Pretty(), byTable{types})
		if err != nil || pretty.String() != q.String() {
			t.Errorf("%s: both forms mean different things\n%v", c.name, err)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != out.String() {
		t.Errorf("%s is not what is written (-update): %v", file, err)
	}
}

// TestRefused holds what is refused, and why.
func TestRefused(t *testing.T) {
	twice := func(kind string, options ...option) *backends.Correlation {
		return correlate(kind, append([]option{rule("a", "T", "x", ir.True), rule("b", "T", "y", ir.True)}, options...)...)
	}
	for want, c := range map[string]*backends.Correlation{
		"a correlation of rules without a table: let a pipeline set query_table": correlate("event_count", rule("a", "", "", ir.True), limit("gte", "2")),
		"a table without a name in plain characters":                             correlate("event_count", rule("a", "\u202e", "", ir.True), limit("gte", "2")),
		"a correlation of events without a column of their time":                 correlate("event_count", alone, limit("gte", "2"), func(c *backends.Correlation) { c.Rules[0].Time = "" }),
		"a field without a name in plain characters":                             correlate("event_count", alone, limit("gte", "2"), grouped("a\nb", text("x"))),
		"rules that may select one event and take its group or its value from different columns: it would count twice; let both use one column, or exclude the events of one from the other": twice("event_count", limit("gte", "2")),
		"a group or a value of columns of different types":                                      correlate("value_count", alone, limit("gte", "2"), of(text("x")), func(c *backends.Correlation) { c.Rules[0].Fields[0] = append(c.Rules[0].Fields[0], number("y")) }),
		"numbers of a column of another type":                                                   correlate("value_sum", alone, limit("gte", "2"), of(ir.Field{Name: "x", Type: ir.Boolean})),
		"a count of more than 32 bits: the offset of prev() is an int":                          correlate("event_count", alone, limit("gte", "2147483648")),
		"a temporal_ordered correlation with fixed borders: the order is in the method sliding": correlate("temporal_ordered", net, whoAm, tumbling),
		"a percentile of more than nine decimals":                                               correlate("value_percentile", alone, percentile("99.0000000001"), limit("gte", "2"), of(number("x"))),
		"a correlation of the type other":                                                       correlate("other", alone),
		"a time frame without a length":                                                         correlate("event_count", alone, limit("gte", "2"), within(0)),
		"a whole number of more than 64 bits":                                                   correlate("value_sum", alone, limit("gte", "99999999999999999999"), of(number("x"))),
	} {
		if got, err := kusto.Correlate(c); err == nil || err.(*ir.Diagnostic).Msg != "kusto cannot express "+want {
			t.Errorf("%v %v\nwant %s", got, err, want)
		}
	}
	for _, c := range []*backends.Correlation{twice("temporal"), twice("value_count", limit("gte", "2"), of(text("v"))),
		twice("event_count", limit("gte", "2"), func(c *backends.Correlation) { c.Disjoint = func(i, j int) bool { return true } })} {
		if _, err := kusto.Correlate(c); err != nil {
			t.Error(err)
		}
	}
}

// TestHostile holds that no name and no value of a stranger makes another query.
func TestHostile(t *testing.T) {
	stages := func(name, value string) (n int, err error) {
		c := correlate("temporal", rule(name, "DeviceProcessEvents", "", matches("FileName", value)), rule("b", "DeviceProcessEvents", "", matches("FileName", "b")),
			limit("gte", "1"), grouped(name, text(name)), keep(text(value)))
		got, err := kusto.Correlate(c)
		if err != nil {
			return 0, nil
		}
		q, err := read.ReadTail(got.Queries[0].Doc.Flat(), nil)
		if err != nil {
			return 0, err
		}
		all, err := read.Stages(got.Queries[0].Doc.Pretty())
		if len(q.Ops) == 0 || !strings.Contains(q.String(), name) {
			t.Errorf("%q: %s", name, q)
		}
		return len(all), err
	}
	want, err := stages("plain", "plain")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{`"`, `'`, `\`, `\"`, `"]`, `']`, `') | take 1 //`, `" | take 1 //`, "// x", ");", "; T", "']; drop", "t", "end", "start", "count", "r1", "s", "$left", "a b",
		"where", "é", "`", "```", "last1", "%d %s %[1]s", "prev(t)", "`|", "\n| take 1", "\u202e", "\u2028| take 1"} {
		for _, pair := range [][2]string{{s, "plain"}, {"plain", s}, {s, s}} {
			if n, err := stages(pair[0], pair[1]); err != nil || n != want && n != 0 {
				t.Errorf("%q: %d stages, want %d: %v", pair, n, want, err)
			}
		}
	}
}

// TestFormulas holds that queries of conditions over rules find their hits.
func TestFormulas(t *testing.T) {
	a, b, one := ir.Ref{Name: "r0"}, ir.Ref{Name: "r1"}, ir.Of{Names: []string{"r0", "r1"}}
	for i, f := range []ir.Expr{a, ir.And{a, b}, ir.Or{a, b}, ir.Not{X: a}, ir.And{a, ir.Not{X: b}}, ir.Or{ir.Not{X: a}, b}, one, ir.Not{X: ir.Of{All: true, Names: one.Names}}} {
		target := inTable(i%2 == 1)
		correlate := target.Format.Correlate
		target.Format.Correlate = func(c *backends.Correlation) (*backends.Tailed, error) {
			c.Formula, c.Condition = f, nil
			return correlate(c)
		}
		o := backendtest.Correlations{Target: target, Kind: "temporal", Times: []string{"Timestamp"}, Disjoint: i%2 == 1}
		o.Try(t, 1000)
	}
}

// inTable is the target, for rules of one table, or of one table each.
func inTable(apart bool) *backends.Target {
	kusto := *targets.Must("kusto")
	correlate := kusto.Format.Correlate
	kusto.Format.Correlate = func(c *backends.Correlation) (*backends.Tailed, error) {
		for i := range c.Rules {
			c.Rules[i].Rule.Scope.Table = "T"
			if apart {
				c.Rules[i].Rule.Scope.Table = "T" + c.Rules[i].Name
			}
		}
		return correlate(c)
	}
	reads, text, last := kusto.ReadTail, "", (*tail.Query)(nil)
	kusto.ReadTail = func(query string, s ir.Schema) (q *tail.Query, err error) { // a query is asked of several streams
		if query != text {
			text = query
			last, err = reads(query, s)
		}
		return last, err
	}
	return &kusto
}

// TestCorrelations holds that queries find the hits of their correlations, as they are read back.
func TestCorrelations(t *testing.T) {
	n := backendtest.Tries(20_000)
	all := []string{"gte", "gt", "lt", "lte", "eq", "neq"}
	for _, kind := range []string{"event_count", "value_count", "value_sum", "value_avg", "value_percentile", "value_median", "temporal", "temporal_ordered"} {
		t.Run(kind, func(t *testing.T) {
			o := backendtest.Correlations{Target: inTable(false), Kind: kind, Ops: all, Times: []string{"TimeGenerated", "Timestamp"}}
			o.Try(t, n)
			o.Ops = nil
			o.Try(t, n/10)
			o.Target, o.Disjoint = inTable(true), true
			o.Try(t, n/10)
		})
	}
}
