package parser

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestBadInput(t *testing.T) {
	const head = "title: t\nlogsource: {product: p}\n"
	const rule = head + "detection: {s: {f: a}, condition: s}\n"
	laughs := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	long := "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.TrimSuffix(strings.Repeat("*a, ", 1000), ", ") + "]\n"
	merges := "m0: &m0 {a: 1}\n"
	for i := range 30 {
		merges += fmt.Sprintf("m%d: &m%d {<<: [*m%d, *m%d]}\n", i+1, i+1, i, i)
	}
	names := make([]string, 1100)
	for i := range names {
		names[i] = fmt.Sprintf("    n%d: {f: a}\n", i)
	}
	aliased := head + "detection:\n  s: &s {f|contians: a}\n  u: *s\n  condition: s or u\n"
	for _, tt := range []struct{ name, src, want string }{
		{"no YAML: bracket", "title: [t\n" + rule, "1:8: not YAML: the bracket [ is not closed; quote a text that begins with it"},
		{"no YAML: quote", "title: 'abc\n", "1:8: not YAML: the quote ' is not closed"},
		{"no YAML: colon", "title: a: b\n", `1:8: not YAML: ": " in a text without quotes; quote the value: 'a: b'`},
		{"no YAML: at", "title: @x\n", `1:8: not YAML: a value cannot begin with "@"; quote the value: '@x'`},
		{"no YAML: indentation", "title: t\n  id: x\n", "2:3: not YAML: indented by 2, which fits no line above; align it with line 1, which is indented by 0"},
		{"no YAML: the second document", rule + "---\ntitle: 'x\n", "detection s (item f (match f (pattern \"a\")))\ncondition (ref s)\n5:8: not YAML: the quote ' is not closed"},
		{"tab", head + "detection:\n\ts: {f: a}\n", "4:1: not YAML: a tab in the indentation; YAML wants blanks"},
		{"tab after blanks", head + "detection:\n  \ts: {f: a}\n", "4:3: not YAML: a tab in the indentation; YAML wants blanks"},
		{"tab within", head + "detection:\n  s: {f:\ta}\n  condition:\ts\n", "detection s (item f (match f (pattern \"a\")))\ncondition (ref s)"},
		{"unknown alias", head + "detection:\n  s: {f: *none}\n", `4:10: not YAML: the alias *none has no anchor; quote a text that begins with "*": '*none'`},
		{"unknown alias, é", "title: é *no\nid: [é, *no]\n", `2:9: not YAML: the alias *no has no anchor; quote a text that begins with "*": '*no'`},
		{"NUL", "title: t\nid: a\x00b\n", `2:6: the character U+0000 is not allowed in YAML; write it as "\x00" in double quotes`},
		{"escape", "title: \x1b[0m\n", `1:8: the character U+001B is not allowed in YAML; write it as "\x1b" in double quotes`},
		{"C1", "title: \u0081\n", `1:8: the character U+0081 is not allowed in YAML; write it as "\x81" in double quotes`},
		{"BOM inside", "title: a\uFEFF\n", "1:9: a byte-order mark amid the file; delete it"},
		{"invalid UTF-8", "title: é\xff\n", "1:9: not UTF-8 text: the byte 0xff; save the file as UTF-8"},
		{"UTF-16", "\xff\xfet\x00", "1:1: not YAML: UTF-16 text; save the file as UTF-8"},
		{"invalid UTF-8 behind CRLF", "title: t\r\nid: \xc3\n", "2:5: not UTF-8 text: the byte 0xc3; save the file as UTF-8"},
		{"BOM", "\xEF\xBB\xBFtitle: t\nlogsource: {}\ndetection: {s: {f: a}, condition: nope}\n", `3:35: no detection is named "nope"`},
		{"BOM, first line", "\xEF\xBB\xBF{title: t, logsource: {}, detection: {s: {f|contians: a}, condition: s}}", `1:45: unknown modifier "contians"; did you mean "contains"?`},
		{"CRLF", "title: t\r\nlogsource: {}\r\ndetection:\r\n  s:\r\n    f|re: 'a('\r\n  condition: s\r\n    and nope\r\n", "5:13: not a regular expression: the group has no `)`\n7:9: no detection is named \"nope\""},
		{"CR", "title: t\rlogsource: {}\rdetection:\r  s:\r    f|re: 'a('\r  condition: s and nope\r", "5:13: not a regular expression: the group has no `)`\n6:20: no detection is named \"nope\""},
		{"alias bomb", laughs + rule, "6:15: the document is too large once its aliases are followed"},
		{"alias bomb of texts", long + rule, "2:81: the document is too large once its aliases are followed"},
		{"alias bomb of merge keys", merges + rule, "16:6: the document is too large once its aliases are followed"},
		{"alias of itself", "title: t\na: &a [*a]\n" + rule[9:], "2:8: the alias *a contains itself"},
		{"alias of what holds it", "title: t\na: &a {b: [c, {d: *a}]}\n" + rule[9:], "2:19: the alias *a contains itself"},
		{"alias twice", "title: t\na: &a [b]\nc: [*a, *a]\n" + rule[9:], "detection s (item f (match f (pattern \"a\")))\ncondition (ref s)"},
		{"nested 50", "title: t\na: " + strings.Repeat("[", 50) + strings.Repeat("]", 50) + "\n" + rule[9:], "detection s (item f (match f (pattern \"a\")))\ncondition (ref s)"},
		{"nested 200", "title: t\na: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "\n" + rule[9:], "2:104: nested more than 100 deep"},
		{"nested 200,000", "a: " + strings.Repeat("[", 200_000), "1:103: not YAML: nested more than 100 deep"},
		{"nested blocks", strings.Repeat("- ", 200_000), "1:201: not YAML: nested more than 100 deep"},
		{"too large", strings.Repeat("#", MaxFileSize+1), "1:1: the file is larger than 16 MiB"},
		{"just not too large", strings.Repeat("#", MaxFileSize), ""},
		{"too many nodes", "a: [" + strings.Repeat("b,", 300_000) + "]\n", "1:400003: the document is too large once its aliases are followed"},
		{"repeat bomb", rule + "x: [" + strings.Repeat("b,", 100_000) + "]\n" + strings.Repeat("---\naction: repeat\n", 1000), strings.Repeat("detection s (item f (match f (pattern \"a\")))\ncondition (ref s)\n", 9) + "22:1: the file is too large once its actions and aliases are followed"},
		{"parentheses", withCondition(strings.Repeat("(", 200_000) + "a" + strings.Repeat(")", 200_000)), "4:114: nested more than 100 deep"},
		{"parentheses, 100", withCondition(strings.Repeat("(", 101) + "a" + strings.Repeat(")", 101)), "4:114: nested more than 100 deep"},
		{"parentheses, open", withCondition(strings.Repeat("(", 200_000)), "4:114: nested more than 100 deep"},
		{"nots", withCondition(strings.Repeat("not ", 200_000) + "a"), "4:414: nested more than 100 deep"},
		{"nots and parentheses", withCondition(strings.Repeat("not (", 60) + "a" + strings.Repeat(")", 60)), "4:264: nested more than 100 deep"},
		{"a long condition", withCondition("a" + strings.Repeat(" or a", 200_000)), "4:14: the condition is longer than 10000 bytes"},
		{"many conditions", withCondition("[" + strings.Repeat("a,", 101) + "]"), "4:215: more than 100 conditions"},
		{"many detections", head + "detection:\n" + strings.Join(names, "") + "    condition: 1 of them\n", "1004:5: a rule has at most 1000 detections, with names of at most 256 bytes"},
		{"a long name", head + "detection:\n  ? " + strings.Repeat("x", 300) + "\n  : {f: a}\n  condition: 1 of x*\n", "4:5: a rule has at most 1000 detections, with names of at most 256 bytes"},
		{"base64 again and again", oneField("? f"+strings.Repeat("|base64", 150)+"\n    ", "a"), "6:7: more than 10 modifiers"},
		{"40 dashes", oneField("f|windash", `"`+strings.Repeat(" -a", 40)+`"`), "6:16: windash finds more than 4 dashes in one value, which are more than 625 variants"},
		{"a missing detection", head + "detection:\n  selection: {f: a}\n  condition: slection and not filter\n", "5:14: no detection is named \"slection\"; did you mean \"selection\"?\n5:31: no detection is named \"filter\""},
		{"twice: attribute", "title: t\ntitle: u\n" + rule[9:], `2:1: the key "title" stands twice, first at 1:1`},
		{"twice: log source", "title: t\nlogsource: {product: p, product: q}\ndetection: {s: {f: a}, condition: s}\n", `2:25: the key "product" stands twice, first at 2:13`},
		{"twice: detection", head + "detection: {s: {f: a}, s: {f: b}, condition: s}\n", `3:24: the key "s" stands twice, first at 3:13`},
		{"twice: condition", head + "detection: {s: {f: a}, condition: s, condition: s}\n", `3:38: the key "condition" stands twice, first at 3:24`},
		{"twice: field", head + "detection: {s: {f: a, f: b}, condition: s}\n", `3:23: the key "f" stands twice, first at 3:17`},
		{"twice: field in a list", head + "detection: {s: [{f: a, g: c, f: b}], condition: s}\n", `3:30: the key "f" stands twice, first at 3:18`},
		{"twice: quoted", head + "detection: {s: {f: a, 'f': b}, condition: s}\n", `3:23: the key "f" stands twice, first at 3:17`},
		{"twice: related", "title: t\nrelated: [{id: a, id: b}]\n" + rule[9:], `2:19: the key "id" stands twice, first at 2:12`},
		{"twice: another attribute", "title: t\nmine: {a: [{b: 1, b: 2}]}\n" + rule[9:], `2:19: the key "b" stands twice, first at 2:13`},
		{"a field through a list", head + "detection: {s: [{f: a}, {f: b}], condition: s}\n", "detection s (or (item f (match f (pattern \"a\"))) (item f (match f (pattern \"b\"))))\ncondition (ref s)"},
		{"a field with other modifiers", head + "detection: {s: {f: a, f|re: b}, condition: s}\n", "detection s (and (item f (match f (pattern \"a\"))) (item f|re (match f (re \"b\"))))\ncondition (ref s)"},
		{"a key that is a list", head + "detection: {s: {? [a] : b}, condition: s}\n", "3:19: a key must be a text"},
		{"an empty detection", head + "detection: {s: , condition: s}\n", `3:13: the detection "s" is empty`},
		{"a fault behind an alias, once", aliased, `4:12: unknown modifier "contians"; did you mean "contains"?`},
		{"several faults", "title: t\nlogsource: x\ntags: {a: b}\ndetection:\n  s:\n    f|contians: a\n    g|re: '*'\n    h|cidr: 10.0.0.1/8\n    h|cidr: x\n  u: []\n  condition: s and nope\n",
			"2:12: logsource must be a mapping with category, product or service\n3:7: the attribute \"tags\" must be a list of texts\n6:7: unknown modifier \"contians\"; did you mean \"contains\"?\n7:12: not a regular expression: nothing to repeat\n8:13: the network 10.0.0.1/8 has host bits; the network is 10.0.0.0/8\n9:5: the key \"h|cidr\" stands twice, first at 8:5\n10:3: the detection \"u\" is empty\n11:20: no detection is named \"nope\""},
		{"faults of several documents", "action: nope\n---\n" + "title: t\n---\naction: global\n---\ntitle: u\n", "1:9: the action \"nope\" is none of global, repeat and reset\n3:1: not a Sigma document: it has neither detection, correlation nor filter\n7:1: not a Sigma document: it has neither detection, correlation nor filter"},
	} {
		c := Parse("r.yml", []byte(tt.src))
		if got := render(c); got != tt.want {
			t.Errorf("%s\n got %.2000s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestLongLines holds that the work on a rule of one line is linear: otherwise it
// does not end within the time that tests have.
func TestLongLines(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("{title: t, logsource: {product: p}, detection: {condition: s, s: {")
	for i := range 20_000 {
		fmt.Fprintf(&b, "f%d|contians: é, ", i)
	}
	b.WriteString("}}}")
	c := Parse("r.yml", b.Bytes())
	if got := len(c.Documents[0].Errors); got != 20_000 {
		t.Errorf("%d errors", got)
	}
}
