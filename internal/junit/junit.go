// Package junit writes reports in the XML form of JUnit, as build servers read it.
package junit

import (
	"encoding/xml"
	"io"
)

// A Suite is cases that belong together, mostly of one file.
type Suite struct {
	Name  string
	Cases []Case
}

// A Case passed, unless it has a Failure or a Skipped.
type Case struct {
	Name, Class string
	Failure     *Failure
	Skipped     *Skipped
}

// A Failure is in few words, and in all.
type Failure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// Skipped says why a case was not run.
type Skipped struct {
	Message string `xml:"message,attr"`
}

type suite struct {
	XMLName  xml.Name   `xml:"testsuite"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Cases    []testcase `xml:"testcase"`
}

type testcase struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	Failure *Failure `xml:"failure"`
	Skipped *Skipped `xml:"skipped"`
}

// Write writes a report of that name. What XML cannot hold becomes U+FFFD.
func Write(w io.Writer, name string, suites []Suite) error {
	all := struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Suites   []suite
	}{Name: name}
	for _, s := range suites {
		out := suite{Name: s.Name, Tests: len(s.Cases)}
		for _, c := range s.Cases {
			if c.Failure != nil {
				out.Failures++
			}
			if c.Skipped != nil {
				out.Skipped++
			}
			out.Cases = append(out.Cases, testcase(c))
		}
		all.Tests += out.Tests
		all.Failures += out.Failures
		all.Skipped += out.Skipped
		all.Suites = append(all.Suites, out)
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
