package ruletest

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// A Report collects cases for a file in the form of JUnit.
type Report struct {
	suites []junitSuite
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Failure *junitFailure `xml:"failure"`
	Skipped *junitSkipped `xml:"skipped"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

// Add adds the cases of a suite. A rule file that holds several is one
// testsuite, as long as its suites come in a row; a suite without cases is left
// out.
func (r *Report) Add(s Suite, cases []Case) {
	if len(cases) == 0 {
		return
	}
	if n := len(r.suites); n == 0 || r.suites[n-1].Name != s.Path {
		r.suites = append(r.suites, junitSuite{Name: s.Path})
	}
	suite := &r.suites[len(r.suites)-1]
	for _, c := range cases {
		x := junitCase{Name: c.Path + ": " + cmp.Or(c.Target, "rule"), Class: cmp.Or(s.Title, s.Path)}
		suite.Tests++
		switch c.Status {
		case Failed:
			suite.Failures++
			lines := make([]string, len(c.Failures))
			for i, f := range c.Failures {
				lines[i] = f.String()
			}
			if c.More > 0 {
				lines = append(lines, fmt.Sprintf("%d more", c.More))
			}
			x.Failure = &junitFailure{lines[0], strings.Join(lines, "\n")}
		case Skipped:
			suite.Skipped++
			x.Skipped = &junitSkipped{c.Reason}
		}
		suite.Cases = append(suite.Cases, x)
	}
}

// Write writes the report as XML. What XML cannot hold becomes U+FFFD.
func (r *Report) Write(w io.Writer) error {
	all := struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Suites   []junitSuite
	}{Name: "sigmac test", Suites: r.suites}
	for _, s := range r.suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Skipped += s.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
