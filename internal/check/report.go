package check

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"sigmac/internal/junit"
	"sigmac/internal/report"
)

func encode(w io.Writer, indent string, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(v)
}

// WriteJSON writes an object a finding.
func WriteJSON(w io.Writer, findings []Finding) error {
	type edit struct {
		Start int    `json:"start"` // bytes
		End   int    `json:"end"`
		Text  string `json:"text"`
	}
	for _, f := range findings {
		o := struct {
			ID       string `json:"id"`
			Code     string `json:"code"`
			Severity string `json:"severity"`
			Path     string `json:"path"`
			report.Place
			Rule    string `json:"rule,omitempty"`
			Message string `json:"message"`
			Fix     []edit `json:"fix,omitempty"`
		}{ID: f.Code, Code: cmp.Or(f.Class, f.Code), Severity: f.Severity, Path: f.Path, Place: report.PlaceOf(&f.Diagnostic), Rule: f.Rule, Message: f.Msg}
		if f.Fix != nil {
			for _, e := range f.Fix.Edits {
				o.Fix = append(o.Fix, edit(e))
			}
		}
		if err := encode(w, "", o); err != nil {
			return err
		}
	}
	return nil
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifArtifact struct {
	URI       string `json:"uri"`
	URIBaseID string `json:"uriBaseId,omitempty"`
}

type sarifRegion struct {
	StartLine   int  `json:"startLine,omitempty"`
	StartColumn int  `json:"startColumn,omitempty"`
	EndLine     int  `json:"endLine,omitempty"`
	EndColumn   int  `json:"endColumn,omitempty"`
	ByteOffset  *int `json:"byteOffset,omitempty"`
	ByteLength  *int `json:"byteLength,omitempty"`
}

type sarifRule struct {
	ID                   string         `json:"id"`
	ShortDescription     sarifText      `json:"shortDescription"`
	FullDescription      *sarifText     `json:"fullDescription,omitempty"`
	Help                 sarifText      `json:"help"`
	DefaultConfiguration sarifConfig    `json:"defaultConfiguration"`
	Properties           sarifRuleProps `json:"properties"`
}

type sarifConfig struct {
	Level   string `json:"level"`
	Enabled bool   `json:"enabled"`
}

type sarifRuleProps struct {
	Tags []string `json:"tags"`
}

type sarifReplacement struct {
	DeletedRegion   sarifRegion `json:"deletedRegion"`
	InsertedContent *sarifText  `json:"insertedContent,omitempty"`
}

type sarifFix struct {
	Description     sarifText     `json:"description"`
	ArtifactChanges []sarifChange `json:"artifactChanges"`
}

type sarifChange struct {
	ArtifactLocation sarifArtifact      `json:"artifactLocation"`
	Replacements     []sarifReplacement `json:"replacements"`
}

type sarifPhysical struct {
	ArtifactLocation sarifArtifact `json:"artifactLocation"`
	Region           sarifRegion   `json:"region"`
}

type sarifLocation struct {
	PhysicalLocation sarifPhysical `json:"physicalLocation"`
}

type sarifResult struct {
	RuleID    string            `json:"ruleId"`
	RuleIndex int               `json:"ruleIndex"`
	Level     string            `json:"level"`
	Message   sarifText         `json:"message"`
	Locations []sarifLocation   `json:"locations"`
	Prints    map[string]string `json:"partialFingerprints,omitempty"`
	Baseline  string            `json:"baselineState,omitempty"`
	Fixes     []sarifFix        `json:"fixes,omitempty"`
}

// WriteSARIF writes a log in the Static Analysis Results Interchange Format
// 2.1.0 (OASIS), of findings of checks. Columns count characters. Where they are compared
// with an earlier version, each says whether it is new.
func WriteSARIF(w io.Writer, checks []Check, findings []Finding, compared bool, version string) error {
	var rules []sarifRule
	for _, c := range checks {
		r := sarifRule{ID: c.ID, ShortDescription: sarifText{Text: c.Summary}, Help: sarifText{Text: c.Summary + "\n\n" + c.Why, Markdown: c.Markdown()},
			DefaultConfiguration: sarifConfig{Level: level(c.Severity), Enabled: c.Severity != Off && c.Profile == ""}, Properties: sarifRuleProps{Tags: []string{"sigma"}}}
		if c.Why != "" {
			r.FullDescription = &sarifText{Text: c.Why}
		}
		if c.Profile != "" {
			r.Properties.Tags = append(r.Properties.Tags, c.Profile)
		}
		if c.Prover {
			r.Properties.Tags = append(r.Properties.Tags, "proved")
		}
		r.Help.Text = strings.TrimSpace(r.Help.Text)
		rules = append(rules, r)
	}
	results := []sarifResult{}
	for _, f := range findings {
		at := artifact(f.Path)
		r := sarifResult{RuleID: f.Code, RuleIndex: slices.IndexFunc(checks, func(c Check) bool { return c.ID == f.Code }), Level: level(f.Severity),
			Message:   sarifText{Text: f.Msg},
			Locations: []sarifLocation{{sarifPhysical{at, sarifRegion{StartLine: max(f.Pos.Line, 1), StartColumn: max(f.Pos.Column, 1), EndLine: f.End.Line, EndColumn: f.End.Column}}}}}
		if f.Rule != "" {
			r.Prints = map[string]string{"sigmaRule/v1": f.Rule + ":" + f.Code}
		}
		switch {
		case compared && f.Known:
			r.Baseline = "unchanged"
		case compared:
			r.Baseline = "new"
		}
		if f.Fix != nil {
			var changes []sarifReplacement
			for _, e := range f.Fix.Edits {
				length := e.End - e.Start
				re := sarifReplacement{DeletedRegion: sarifRegion{ByteOffset: &e.Start, ByteLength: &length}}
				if e.Text != "" {
					re.InsertedContent = &sarifText{Text: e.Text}
				}
				changes = append(changes, re)
			}
			r.Fixes = []sarifFix{{sarifText{Text: "proved to keep the meaning"}, []sarifChange{{at, changes}}}}
		}
		results = append(results, r)
	}
	type driver struct {
		Name            string      `json:"name"`
		SemanticVersion string      `json:"semanticVersion"`
		Rules           []sarifRule `json:"rules"`
	}
	type tool struct {
		Driver driver `json:"driver"`
	}
	type run struct {
		Tool       tool          `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	return encode(w, "  ", struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []run{{tool{driver{"sigmac", version, rules}}, "unicodeCodePoints", results}}})
}

func level(severity string) string {
	if severity == Off {
		return "none"
	}
	return severity
}

// artifact is a path as a URI: a relative one from the root of the repository.
func artifact(path string) sarifArtifact {
	path = strings.ReplaceAll(path, `\`, "/")
	u := (&url.URL{Path: path}).String()
	if strings.HasPrefix(path, "/") {
		return sarifArtifact{URI: "file://" + u}
	}
	return sarifArtifact{URI: strings.TrimPrefix(u, "./"), URIBaseID: "%SRCROOT%"}
}

// WriteJUnit writes JUnit XML of a suite: a test case a file, which fails with its
// findings. paths are all files that were looked at.
func WriteJUnit(w io.Writer, suite string, paths []string, findings []Finding) error {
	byPath := map[string][]string{}
	for _, f := range findings {
		byPath[f.Path] = append(byPath[f.Path], f.String())
	}
	s := junit.Suite{Name: suite}
	for _, p := range paths {
		c := junit.Case{Name: p, Class: suite}
		if lines := byPath[p]; len(lines) > 0 {
			c.Failure = &junit.Failure{Message: lines[0], Text: strings.Join(lines, "\n")}
		}
		s.Cases = append(s.Cases, c)
	}
	return junit.Write(w, "sigmac "+suite, []junit.Suite{s})
}

// String is a finding in a line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s [%s]", f.Place(), f.Severity, f.Msg, f.Code)
}

var (
	// Workflow commands of GitHub Actions: % and ends of lines in a message, and : and
	// , in its properties.
	githubText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// WriteGitHub writes annotations as commands of a workflow of GitHub Actions.
func WriteGitHub(w io.Writer, findings []Finding) error {
	kinds := map[string]string{Error: "error", Warning: "warning", Note: "notice"}
	for _, f := range findings {
		place := fmt.Sprintf("line=%d,col=%d", f.Pos.Line, f.Pos.Column)
		switch f.End.Line {
		case 0:
		case f.Pos.Line:
			place += fmt.Sprintf(",endLine=%d,endColumn=%d", f.End.Line, f.End.Column)
		default: // it takes no columns there
			place = fmt.Sprintf("line=%d,endLine=%d", f.Pos.Line, f.End.Line)
		}
		if _, err := fmt.Fprintf(w, "::%s file=%s,%s,title=%s::%s\n", kinds[f.Severity], githubProperty.Replace(f.Path), place,
			githubProperty.Replace(f.Code), githubText.Replace(f.Msg)); err != nil {
			return err
		}
	}
	return nil
}

// Markdown is the page of a check.
func (c Check) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s", c.ID, c.Summary)
	if c.Why != "" {
		b.WriteString(" " + c.Why)
	}
	var facts []string
	switch {
	case c.Severity == Off:
		facts = append(facts, "off by default")
	default:
		facts = append(facts, c.Severity)
	}
	if c.Profile != "" {
		facts = append(facts, "profile "+c.Profile)
	}
	if c.Prover {
		facts = append(facts, "asks the prover")
	}
	if c.Fixes {
		facts = append(facts, "`--fix` mends what is proved to stay the same")
	}
	fmt.Fprintf(&b, "\n\n*%s*\n", strings.Join(facts, ", "))
	return b.String()
}

// Page is the documentation of all checks, in Markdown.
func Page() string {
	var b strings.Builder
	b.WriteString("# Checks\n\nWhat `sigmac check` looks for. `sigmac check --explain ID` prints one of these, `--list` their names.\n")
	profile := ""
	for _, c := range Checks {
		if c.Profile != profile {
			profile = c.Profile
			b.WriteString("\nThe rest are conventions of the public rule set, under `--profile " + profile + "`.\n")
		}
		b.WriteString("\n" + c.Markdown())
	}
	return b.String()
}
