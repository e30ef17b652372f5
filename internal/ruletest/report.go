package ruletest

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"sigmac/internal/junit"
)

// A Report collects cases for a file in the form of JUnit.
type Report struct {
	suites []junit.Suite
}

// Add adds the cases of a suite. A rule file that holds several is one
// testsuite, as long as its suites come in a row; a suite without cases is left
// out.
func (r *Report) Add(s Suite, cases []Case) {
	if len(cases) == 0 {
		return
	}
	if n := len(r.suites); n == 0 || r.suites[n-1].Name != s.Path {
		r.suites = append(r.suites, junit.Suite{Name: s.Path})
	}
	suite := &r.suites[len(r.suites)-1]
	for _, c := range cases {
		x := junit.Case{Name: c.Path + ": " + cmp.Or(c.Target, "rule"), Class: cmp.Or(s.Title, s.Path)}
		switch c.Status {
		case Failed:
			lines := make([]string, len(c.Failures))
			for i, f := range c.Failures {
				lines[i] = f.Error()
			}
			if c.More > 0 {
				lines = append(lines, fmt.Sprintf("%d more", c.More))
			}
			x.Failure = &junit.Failure{Message: lines[0], Text: strings.Join(lines, "\n")}
		case Skipped:
			x.Skipped = &junit.Skipped{Message: c.Reason}
		}
		suite.Cases = append(suite.Cases, x)
	}
}

// Write writes the report as XML.
func (r *Report) Write(w io.Writer) error { return junit.Write(w, "sigmac test", r.suites) }
