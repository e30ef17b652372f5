package taxonomy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/corpus"
	"sigmac/internal/suggest"
	"sigmac/internal/taxonomy"
	"sigmac/ir"
	"sigmac/parser"
)

// sources have a list of fields each.
var sources = []ir.LogSource{
	{Product: "windows", Category: "process_creation"}, {Product: "windows", Category: "registry_set"}, {Product: "windows", Category: "image_load"},
	{Product: "windows", Category: "network_connection"}, {Product: "windows", Category: "process_access"}, {Product: "windows", Category: "wmi_event"},
	{Product: "windows", Category: "ps_script"}, {Product: "windows", Category: "ps_classic_script"}, {Product: "windows", Service: "sysmon"},
	{Product: "linux", Category: "file_event"}, {Product: "macos", Category: "process_creation"}, {Category: "proxy"}, {Product: "apache", Category: "webserver"},
	{Category: "webserver", Service: "iis"},
}

// slips are the ways to write a name with one letter wrong, at least one of each
// kind at each place.
func slips(name string) (out []string) {
	for i := range name {
		out = append(out, name[:i]+name[i+1:], name[:i]+name[i:i+1]+name[i:], name[:i]+"z"+name[i+1:], name[:i]+"z"+name[i:])
		if i > 0 {
			out = append(out, name[:i-1]+name[i:i+1]+name[i-1:i]+name[i+1:])
		}
	}
	return append(out, strings.ToUpper(name), strings.ToLower(name))
}

// near says whether one letter makes b of a, without regard to capitals.
func near(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	swapped := len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
	return a == b || swapped || a != "" && (a[1:] == b || b != "" && a[1:] == b[1:]) || b != "" && a == b[1:]
}

// TestSlips holds that a field with one letter wrong, or other capitals, is none that
// its log source has, or is taken for one that it has: for the right one where no other
// is as near.
func TestSlips(t *testing.T) {
	tried := 0
	for _, source := range sources {
		names := taxonomy.Fields("", source)
		if len(names) == 0 {
			t.Errorf("%s: no fields", source)
		}
		for _, name := range names {
			for _, slip := range slips(name) {
				if len(slip) < 2 || slices.Contains(names, slip) {
					continue
				}
				tried++
				got := suggest.Misspelt(slip, names)
				others := slices.ContainsFunc(names, func(n string) bool { return n != name && near(slip, n) })
				if got == "" || got != name && !others {
					t.Errorf("%s: %s is taken for %q, not for %s", source, slip, got, name)
				}
			}
		}
	}
	if tried < 10000 {
		t.Error("only tried ", tried)
	}
}

// TestWarnings holds what the parser warns of.
func TestWarnings(t *testing.T) {
	for _, c := range []struct{ source, items, want string }{
		{"{product: windows, category: process_creation}", "Imgae: a", `r.yml:5:5: events of this log source have no field "Imgae"; did you mean "Image"?`},
		{"{product: windows, category: process_creation}", "image: a", `r.yml:5:5: events of this log source have no field "image"; did you mean "Image"?`},
		{"{product: windows, category: process_creation}", "User|fieldref: ParentUsr", `r.yml:5:20: events of this log source have no field "ParentUsr"; did you mean "ParentUser"?`},
		{"{product: windows, category: process_creation}", "- Imgae: a\n    - Imgae: b\n    - Usr: c", "r.yml:5:7: events of this log source have no field \"Imgae\"; did you mean \"Image\"?\n" +
			`r.yml:7:7: events of this log source have no field "Usr"; did you mean "User"?`},
		{"{product: windows, category: process_creation}", "OwnField: a", ""},
		{"{product: windows, category: process_creation}", "- word", ""},
		{"{product: windows, category: process_creation}\ntaxonomy: own", "Imgae: a", ""},
		{"{product: windows, category: process_creation, service: own}", "Imgae: a", ""},
		{"{product: windows, service: security}", "Imgae: a", ""},
		{"{product: own, category: process_creation}", "Imgae: a", ""},
		{"{product: nginx, category: webserver}", "sc_status: 200", `r.yml:5:5: events of this log source have no field "sc_status"; did you mean "sc-status"?`},
	} {
		src := fmt.Sprintf("title: T\nlogsource: %s\ndetection:\n  sel:\n    %s\n  condition: sel\n", c.source, c.items)
		var got []string
		for _, w := range parser.Parse("r.yml", []byte(src)).Documents[0].Warnings {
			got = append(got, w.Error())
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.source, c.items, strings.Join(got, "\n"), c.want)
		}
	}
}

// TestCorpus holds that no field of a public rule is taken for a slip.
func TestCorpus(t *testing.T) {
	known := 0
	for _, d := range corpus.Parse(t, "sigma/rules*").Documents {
		for _, w := range d.Warnings {
			if strings.Contains(w.Msg, "did you mean") {
				t.Error(w)
			}
		}
		if d.Rule != nil && taxonomy.Fields(d.Rule.Meta.Taxonomy, d.Rule.Source) != nil {
			known++
		}
	}
	if known < 2000 {
		t.Error("only rules whose fields are known: ", known)
	}
}
