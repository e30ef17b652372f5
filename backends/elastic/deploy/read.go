package deploy

import (
	"bytes"
	"errors"
	"path"
	"slices"
	"strings"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

// answers are the keys under which answers of Kibana's API, and files for it, have rules.
var answers = []string{"data", "rules", "objects"}

// readFile reads rules: what Kibana exports, what its API answers, one rule as JSON, a saved object
// of Elastic's package of prebuilt rules, and files in TOML as elastic/detection-rules has
// them. Lists of exceptions, connectors and the summary of an export are skipped.
func readFile(f deploy.File) ([]*deploy.Detection, error) {
	src := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	if isTOML(f.Path, src) {
		n, err := readTOML(f.Path, src)
		if err != nil {
			return nil, err
		}
		r := n.get("rule")
		if r.kind != object {
			return nil, nil
		}
		flattenTerms(r)
		return []*deploy.Detection{detection(f.Path, src, &rule{node: r, toml: true, metadata: n.get("metadata"), size: len(src)})}, nil
	}
	var out []*deploy.Detection
	var errs []error
	places := &cursor{src: src}
	for start := 0; start < len(src); {
		end := len(src)
		if i := bytes.IndexByte(src[start:], '\n'); i >= 0 && isLine(src[start:start+i], src[start+i+1:]) {
			end = start + i
		}
		size := end - start
		err := newJSON(f.Path, src, start, end, places).each(answers, func(n *node) {
			if n.get("attributes").has("rule_id") && n.get("type").text() == "security-rule" {
				n = n.get("attributes")
			}
			if isRule(n) {
				out = append(out, detection(f.Path, src, &rule{node: n, size: size}))
			}
			size = 0 // the rest is counted with the first
		})
		if err != nil {
			errs = append(errs, err)
		}
		start = end + 1
	}
	return out, errors.Join(errs...)
}

// isTOML goes by the name of a file, and without one by how it begins.
func isTOML(file string, src []byte) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".toml":
		return true
	case ".json", ".ndjson", ".jsonl":
		return false
	}
	src = bytes.TrimSpace(src)
	if bytes.HasPrefix(src, []byte("[")) {
		rest := bytes.TrimLeft(src[1:], " \t\r\n")
		return len(rest) > 0 && strings.IndexByte(`{]"`, rest[0]) < 0
	}
	return len(src) > 0 && src[0] != '{'
}

// isLine says whether a line is one value of a file that has one a line, broken or not.
func isLine(line, next []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '{' && (line[len(line)-1] == '}' || bytes.HasPrefix(next, []byte("{")))
}

// isRule tells a rule from what else an export has: it has an id of its own, or a type of
// rules. Items of lists have the types detection and simple, connectors action.
func isRule(n *node) bool {
	if n.kind != object || n.has("list_id") || n.has("item_id") {
		return false
	}
	typ := n.get("type").text()
	for _, t := range ruleTypes {
		if typ == t && n.has("name") {
			return true
		}
	}
	return n.has("rule_id") && n.get("name").kind == text
}

// flattenTerms gives a rule in TOML the keys of Kibana for new terms.
func flattenTerms(r *node) {
	terms := r.get("new_terms")
	if terms.kind != object {
		return
	}
	r.set("new_terms_fields", terms.get("value"))
	if starts := terms.get("history_window_start").list; len(starts) > 0 {
		r.set("history_window_start", starts[0].get("value"))
	}
}

func detection(file string, src []byte, r *rule) *deploy.Detection {
	typ := r.get("type").text()
	d := &deploy.Detection{
		Path: file, Pos: r.at, ID: r.get("rule_id").text(), Title: r.get("name").text(), Query: r.get("query").text(),
		Enabled: r.get("enabled").value != false, Settings: r.settings(), Own: r,
	}
	r.forget()
	if r.toml {
		d.Pos = ir.Pos{Line: 1, Column: 1}
	}
	d.Version, _ = r.get("version").int()
	if q := r.get("query"); q.kind == text && q.text() != "" {
		d.QueryAt = q.at
		d.Language = r.get("language").text()
		if d.Language == "" {
			d.Language = defaultLanguage[typ]
		}
		if r.toml {
			d.QueryAt = inQuotes(src, q.at)
		} else {
			d.QueryAt.Column++
		}
	}
	for line := range strings.Lines(r.get("note").text()) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), ruleLine); ok && deploy.IsUUID(id) {
			d.Rule = strings.ToLower(id)
		}
	}
	return d
}

// forget drops what no check looks at: it may hold secrets, and an export has much of it.
func (r *rule) forget() {
	for _, key := range r.keys {
		f, ok := fieldOf(key)
		if n := r.field[key]; ok && f.shape != text && f.kind == "" || f.kind == deploy.Actions || slices.Contains(added, key) {
			n.list, n.keys, n.field = nil, nil, nil
			if n.kind == text {
				n.value = ""
			}
		}
	}
}

// inQuotes is the place of the first character of a string of TOML that begins there.
func inQuotes(src []byte, at ir.Pos) ir.Pos {
	rest := src
	for i := 1; i < at.Line; i++ {
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	rest = []byte(string([]rune(string(firstLine(rest)))[max(0, at.Column-1):]))
	for _, triple := range []string{`"""`, `'''`} {
		if bytes.HasPrefix(rest, []byte(triple)) {
			if at.Column += 3; len(bytes.TrimRight(rest, "\r")) == 3 {
				at = ir.Pos{Line: at.Line + 1, Column: 1}
			}
			return at
		}
	}
	at.Column++
	return at
}

func firstLine(src []byte) []byte {
	line, _, _ := bytes.Cut(src, []byte("\n"))
	return line
}
