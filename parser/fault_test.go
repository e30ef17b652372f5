package parser

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sigmac/ir"
)

// faulty are texts that are not YAML, each behind `sel:` in line 3 of a rule, with the
// whole of what is said of it.
var faulty = []struct{ name, text, want string }{
	{"an escape of Windows", `Image: "C:\Windows"`, `4:15: not YAML: \W is no escape in double quotes; use single quotes: 'C:\Windows'`},
	{"an escape in a list", "Image:\n      - \"a\"\n      - \"\\system32\\it's\" # x", `6:10: not YAML: \s is no escape in double quotes; use single quotes: '\system32\it''s'`},
	{"an escape behind others", `Image: "a\t\x41\"é\d"`, `4:23: not YAML: \d is no escape in double quotes; use single quotes: 'a\t\x41\"é\d'`},
	{"an escape in several lines", "Image: \"a\n      \\d\"", `5:7: not YAML: \d is no escape in double quotes; use single quotes, in which \ stands for itself`},
	{"an escape in a long text", `Image: "\d` + strings.Repeat("x", 100) + `"`, `4:13: not YAML: \d is no escape in double quotes; use single quotes: '...'`},
	{"a path of users", `Image: "C:\Users"`, `4:15: not YAML: \U in double quotes needs the 8 hexadecimal digits of a character; use single quotes: 'C:\Users'`},
	{"half a pair", `Image: "\ud800"`, `4:13: not YAML: \u in double quotes needs the 4 hexadecimal digits of a character; use single quotes: '\ud800'`},
	{"an escape that the file ends in", `Image: "a\`, `4:12: not YAML: the quote " is not closed`},
	{"a tab", "Image: a\n\tUser: b", "5:1: not YAML: a tab in the indentation; YAML wants blanks"},
	{"a tab behind blanks", "  \tImage: a", "4:7: not YAML: a tab in the indentation; YAML wants blanks"},
	{"a tab behind a dash", "Image:\n      -\ta", "5:8: not YAML: a tab behind \"-\"; YAML wants a blank"},
	{"a tab before a comment", "Image:\n \t# x\n      - a", "5:2: not YAML: a tab in the indentation; YAML wants blanks"},
	{"a tab in a text of several lines", "Image: |\n     \ta\n      b", "5:6: not YAML: a tab in the indentation; YAML wants blanks"},
	{"less to the right", "Image: a\n   User: b", "5:4: not YAML: indented by 3, which fits no line above; align it with line 4, which is indented by 4"},
	{"more to the right", "Image: a\n      User: b", "5:7: not YAML: indented by 6, which fits no line above; align it with line 4, which is indented by 4"},
	{"more to the right, quoted", "Image: 'a'\n     User: b", "5:6: not YAML: indented by 5, which fits no line above; align it with line 4, which is indented by 4"},
	{"between two blocks", "Image: a\n condition: b", "5:2: not YAML: indented by 1, which fits no line above; align it with line 3, which is indented by 2"},
	{"entries of a list", "Image:\n      - a\n     - b", "6:6: not YAML: indented by 5, which fits no line above; align it with line 5, which is indented by 6"},
	{"below a text of several lines", "Image: |\n        a\n      b", "6:7: not YAML: indented by 6, which fits no line above; align it with line 5, which is indented by 8"},
	{"below a blank line that is longer", "Image: |\n        \n      b", "6:7: not YAML: indented by 6, which fits no line above; align it with line 5, which is indented by 8"},
	{"a key below entries", "Image:\n      - a\n      b: c", "6:7: not YAML: an entry of a list begins with \"- \", as in line 5"},
	{"an entry below a value", "Image: a\n    - b", "5:5: not YAML: an entry of a list, and the key in line 4 has a value already"},
	{"an entry beside its key", "Image: - a", "4:12: not YAML: a list begins on a line of its own; quote a text that begins with \"- \": '- a'"},
	{"a single quote", "Image: 'abc\n    User: b", "4:12: not YAML: the quote ' is not closed"},
	{"a single quote, and another", "Image: 'abc\n    User: 'b'", "4:12: not YAML: the quote ' is not closed"},
	{"a double quote", "Image: \"abc\n    User: b", "4:12: not YAML: the quote \" is not closed"},
	{"a double quote, and a document", "Image: \"abc\n---\ntitle: \"x\"", "4:12: not YAML: the quote \" is not closed"},
	{"a folder in double quotes", "Image: \"C:\\\"\n    User: \"b\"", `4:12: not YAML: the quote is not closed, since \" is a quote within the text; use single quotes: 'C:\'`},
	{"a quote as a key", "'Image\n    User': b", "4:5: not YAML: the quote ' is not closed"},
	{"a quote within", "Image: 'it's'", "4:16: not YAML: text behind the closing quote; within single quotes a quote is '': 'it''s'"},
	{"two texts", "Image: 'a' or b # c", "4:16: not YAML: text behind the closing quote; within single quotes a quote is '': 'a'' or b'"},
	{"double quotes within", `Image: "say "hi""`, `4:18: not YAML: text behind the closing quote; quote the whole value with single quotes: 'say "hi"'`},
	{"an open bracket", "Image: [a, b\n    User: c", "4:12: not YAML: the bracket [ is not closed; quote a text that begins with it"},
	{"an open brace", "Image: {a: b", "4:12: not YAML: the bracket { is not closed; quote a text that begins with it"},
	{"an open bracket, and a document", "Image: [a\n---\nb: ]", "4:12: not YAML: the bracket [ is not closed; quote a text that begins with it"},
	{"the other bracket", "Image: [a, {b: c]}", "4:21: not YAML: \",\" or \"}\" is expected here, for the { at 4:16"},
	{"no comma", "Image: ['a' 'b']", "4:17: not YAML: \",\" or \"]\" is expected here, for the [ at 4:12"},
	{"two colons in brackets", "Image: {a: b: c}", "4:17: not YAML: \",\" or \"}\" is expected here, for the { at 4:12"},
	{"a comma too many", "Image: [a,, b]", "4:15: not YAML: nothing stands before the comma"},
	{"a closing bracket", "Image: ]x", "4:12: not YAML: a value cannot begin with \"]\"; quote the value: ']x'"},
	{"text behind a bracket", "Image: [a-z]+ # x", "4:12: not YAML: a value that begins with \"[\" ends with its closing bracket; quote the value: '[a-z]+'"},
	{"text behind a brace", `Image: {00-11}\x`, `4:12: not YAML: a value that begins with "{" ends with its closing bracket; quote the value: '{00-11}\x'`},
	{"text behind brackets of several lines", "Image: [a,\n      b] c", "5:10: not YAML: text behind the bracket that closes the one at 4:12"},
	{"a list in brackets", "Image: [- a]", "4:13: not YAML: a list with \"- \" cannot stand in brackets; quote the value"},
	{"brackets in brackets", "Image: " + strings.Repeat("[", 20_000), "4:109: not YAML: nested more than 100 deep"},
	{"lists in lists", strings.Repeat("- ", 20_000), "4:201: not YAML: nested more than 100 deep"},
	{"no blank behind a colon", "Image:a\n    User: b", "4:10: not YAML: the colon behind \"Image\" needs a blank: \"Image: a\""},
	{"no blank behind a later colon", "Image: a\n    User|endswith:b # x", "5:18: not YAML: the colon behind \"User|endswith\" needs a blank: \"User|endswith: b # x\""},
	{"no colon", "Image: a\n    User", "5:5: not YAML: a key with a colon is expected, and \"User\" has none"},
	{"no colon before a block", "Image\n      User: b", "4:5: not YAML: a key with a colon is expected, and \"Image\" has none"},
	{"an asterisk", `Image: *\cmd.exe`, `4:12: not YAML: "*" begins an alias of YAML; quote the value: '*\cmd.exe'`},
	{"asterisks", "Image:\n      - *evil*", `5:9: not YAML: "*" begins an alias of YAML; quote the value: '*evil*'`},
	{"asterisks in brackets", "Image: [a, *.exe, b]", `4:16: not YAML: "*" begins an alias of YAML; quote the value: '*.exe'`},
	{"an alias", "Image: é *x\n    User: *none", `5:11: not YAML: the alias *none has no anchor; quote a text that begins with "*": '*none'`},
	{"an alias in brackets", "Image: [*none]", `4:13: not YAML: the alias *none has no anchor; quote a text that begins with "*": '*none'`},
	{"text behind an alias", "Image: &a b\n    User: *a b", `5:11: not YAML: "*" begins an alias of YAML; quote the value: '*a b'`},
	{"a percent sign", `Image: %TEMP%\a`, `4:12: not YAML: a value cannot begin with "%"; quote the value: '%TEMP%\a'`},
	{"an at sign", "Image: @evil # x", `4:12: not YAML: a value cannot begin with "@"; quote the value: '@evil'`},
	{"an at sign in brackets", "Image: {a: @evil}", `4:16: not YAML: a value cannot begin with "@"; quote the value: '@evil'`},
	{"a grave accent", "Image: `whoami`", "4:12: not YAML: a value cannot begin with \"`\"; quote the value: '`whoami`'"},
	{"an ampersand", "Image: & calc", `4:12: not YAML: "&" begins an anchor of YAML; quote the value: '& calc'`},
	{"an exclamation mark", "Image: !important!", `4:12: not YAML: "!" begins a tag of YAML; quote the value: '!important!'`},
	{"a colon in a value", "Image: a: b # x", `4:12: not YAML: ": " in a text without quotes; quote the value: 'a: b'`},
	{"a colon in a later line", "Image: this is\n      a text: with one", `5:7: not YAML: ": " in a text without quotes; write the text that begins in line 4 in quotes, or below a "|"`},
	{"nothing before a colon", "Image: a\n    : b", `5:5: not YAML: nothing stands before the colon; quote a text that begins with ":": ': b'`},
	{"a question mark", "Image: a\n?\n      - b\n    c: d", `5:1: not YAML: "?" begins a key of YAML; quote the value: '?'`},
	{"a bar", "Image: |x", `4:12: not YAML: behind "|" a text begins on the next line; quote the value: '|x'`},
	{"a greater-than sign", "Image: >x", `4:12: not YAML: behind ">" a text begins on the next line; quote the value: '>x'`},
	{"a conflict", "Image: a\n<<<<<<< HEAD\n    User: b\n=======\n>>>>>>> x", "5:1: not YAML: a conflict of a merge that nobody has resolved"},
	{"a line with a percent sign", "Image: a\n%b", "5:1: not YAML: a line that begins with % is for YAML itself, and --- stands behind it; quote the value"},
	{"a second document", "Image: a\n---\n{a: b}\n{c: d}", "7:1: not YAML: the document has ended before this; write --- between two documents"},
	{"a character", "Image: a\x00", `4:13: the character U+0000 is not allowed in YAML; write it as "\x00" in double quotes`},
	{"a byte-order mark", "Image: a\n---\n\uFEFFtitle: b", "6:1: a byte-order mark amid the file; delete it"},
	{"Latin-1", "Image: caf\xe9", "4:15: not UTF-8 text: the byte 0xe9; save the file as UTF-8"},
	{"a key twice", "Image: a\n    Image: b", `5:5: the key "Image" stands twice, first at 4:5`},
}

// files are what is no YAML from the beginning.
var files = []struct{ name, text, want string }{
	{"UTF-16", "\xff\xfet\x00i\x00", "1:1: not YAML: UTF-16 text; save the file as UTF-8"},
	{"UTF-16 of the other order", "\xfe\xff\x00t\x00i", "1:1: not YAML: UTF-16 text; save the file as UTF-8"},
	{"UTF-16 without a mark", "t\x00i\x00", "1:1: not YAML: UTF-16 text; save the file as UTF-8"},
	{"gzip", "\x1f\x8b\x08\x00", "1:1: not YAML: a compressed file; unpack it"},
	{"a page", "\n<!DOCTYPE html>\n<html>", "1:1: not YAML: an HTML page; fetch the file itself, and not the page that shows it"},
	{"a page that is YAML", "<html>\n</html>", "1:1: not YAML: an HTML page; fetch the file itself, and not the page that shows it"},
	{"XML", "<?xml version=\"1.0\"?>", "1:1: not YAML: an XML document"},
	{"objects, one a line", "{\"a\": 1}\n{\"b\": 2}\n", "2:1: not YAML: the document has ended before this; write --- between two documents"},
	{"JSON", "{\"title\": \"x\", \"tags\": [1, 2}\n", "1:29: not YAML: \",\" or \"]\" is expected here, for the [ at 1:24"},
	{"a directive", "%YAML 1.2\ntitle: x\n", "1:1: not YAML: a line that begins with % is for YAML itself, and --- stands behind it; quote the value"},
	{"a title without a blank", "title:T\nlogsource:\n", "1:6: not YAML: the colon behind \"title\" needs a blank: \"title: T\""},
}

// first is what is said of the first fault of a text.
func first(text string) string {
	f, roots := Open("sigma", "r.yml", []byte(text))
	for _, root := range roots {
		f.resolved(root)
	}
	for _, e := range f.Errors() {
		return strings.TrimPrefix(e.Error(), "r.yml:")
	}
	return ""
}

func TestFaults(t *testing.T) {
	for _, tt := range faulty {
		if got := first("title: t\ndetection:\n  sel:\n    " + tt.text + "\n"); got != tt.want {
			t.Errorf("%s: %q\n got %s\nwant %s", tt.name, clip(tt.text), got, tt.want)
		}
	}
	for _, tt := range files {
		if got := first(tt.text); got != tt.want {
			t.Errorf("%s: %q\n got %s\nwant %s", tt.name, tt.text, got, tt.want)
		}
	}
}

// checkFault holds that what is read has no fault, and that a fault is at a place of the text.
func checkFault(t *testing.T, src []byte) {
	roots, fault := readYAML(src, new(nodeMemory))
	if fault == nil {
		if found := scanFault(src, ""); found != nil && len(roots) > 0 {
			t.Errorf("%q is read, and a fault found: %+v", src, found)
		}
		return
	}
	lines := splitLines(strings.TrimPrefix(string(src), string(bom)))
	at := fault.at.Start
	if at.Line < 1 || at.Line > len(lines) || at.Column < 1 || at.Column > 1+utf8.RuneCountInString(lines[at.Line-1]) {
		t.Errorf("%q: %+v is not in the text", src, fault)
	}
	if fault.at.End != (ir.Pos{}) && fault.at.End.Compare(at) < 0 || strings.Contains(fault.why, "yaml: ") || strings.Contains(fault.why, "runtime error") {
		t.Errorf("%q: %+v", src, fault)
	}
}

func FuzzFaults(f *testing.F) {
	for _, s := range append(faulty, files...) {
		if len(s.text) < 1000 {
			f.Add([]byte(s.text))
			f.Add([]byte("a:\n  b:\n    " + s.text + "\n  c: d\n"))
		}
	}
	for _, s := range []string{correlationText, filterText, actionsText, mergeText, "a: |\n\n  b\n c: d", "- - a\n  - b\n- c: d\n  e: &f\n    - g\nh", "? a\n: b", "a:\n- b\n- c\nd: {e: [f, 'g': h], \"i\":j}\n", "--- >\n a\n...\n--- a\n--- {a: b}\n", "a: b #c\n#d\n  e: f", "{a,\n b: c}", "a:\t'b'\n\t\n", "'a': \"b\n\n  c\"\n", "&a b: *a\nc: !!str d\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(checkFault)
}

// TestSlips holds what is said of YAML that is read as another thing than it looks like.
func TestSlips(t *testing.T) {
	for _, c := range []struct{ detection, want string }{
		{"{f: [a, 'x - b']}", ""},
		{"\n    f:\n      - a\n       - b\n", "8:8: the text of line 7 goes on here, for this line is further to the right; align the dash with that of an entry"},
		{"\n    f: a\n      - b\n", "7:7: the text of line 6 goes on here, for this line is further to the right; align the dash with that of an entry"},
		{"\n    f: a - b\n", ""},
		{"\n    f: a\n      b - c\n", ""},
		{"\n    f: 'a\n      - b'\n", ""},
		{"\n    f|endswith:a\n", `6:5: "f|endswith:a" is a keyword; behind the colon of a key stands a blank`},
		{"\n    - a:b\n    - c:d\n", ""},
		{"'a:b'", ""},
		{"http://a", ""},
		{"{f: “a”}", `5:10: the quote “ is part of the text; those of YAML are ' and "`},
	} {
		got := ""
		for _, d := range Parse("r.yml", []byte("title: t\nlogsource: {}\ndetection:\n  condition: s\n  s: "+c.detection)).Documents {
			for _, w := range d.Warnings {
				got += strings.TrimPrefix(w.Error(), "r.yml:")
				if w.Code != ir.LikelySlip {
					t.Errorf("%q: the code %s", c.detection, w.Code)
				}
			}
		}
		if got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.detection, got, c.want)
		}
	}
	const blank = "title: t\nlogsource: {}\ndetection:\n  s:\n    \u00a0f: a\n  condition: s\n"
	if got, want := Parse("r.yml", []byte(blank)).Documents[0].Errors[0].Error(), `r.yml:5:5: the key "\u00a0f" begins with a blank that is none of YAML; delete it`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
