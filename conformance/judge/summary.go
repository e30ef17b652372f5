package main

import (
	"path/filepath"
	"regexp"
	"unicode/utf8"
)

// A summary is what was found of the queries for a target. They are judged without help
// for an index.
type summary struct {
	Queries    int               `json:"queries"`
	Characters int               `json:"characters"`
	Left       map[string]int    `json:"not_judged,omitempty"`
	Cut        int               `json:"not_tried_to_the_end"`
	Needless   int               `json:"with_needless_parts"`
	Classes    map[string]*class `json:"classes"`
	Forms      map[string]int    `json:"forms"` // queries by the forms that they have
}

// A class is what was found of one kind of part.
type class struct {
	Queries    int      `json:"queries"`
	Places     int      `json:"places"`
	Characters int      `json:"characters"`
	Rules      []string `json:"rules"` // the first of them
}

// maxRules bounds the rules that are named of a class.
const maxRules = 3

// forms are what a query does without if it can.
var forms = []struct {
	name string
	re   *regexp.Regexp
}{
	{"`where` behind a search", regexp.MustCompile(`^(\w+ [^|]|\w*[^\w ]).*\| where `)},
	{"`mvfind`", regexp.MustCompile(`mvfind\(`)},
	{"`matches regex`", regexp.MustCompile(` matches regex `)},
	{"`extend`", regexp.MustCompile(`\| extend `)},
	{"`extend` over a table `Device…`", regexp.MustCompile(`^Device\w+ .*\| extend `)},
	{"`extend` over `DeviceRegistryEvents`", regexp.MustCompile(`^DeviceRegistryEvents .*\| extend `)},
	{"`!= null and`", regexp.MustCompile(` != null and [^n]`)}, // no `not`
}

func (s *summary) add(path string, j judgement) {
	if s.Classes == nil {
		s.Left, s.Classes, s.Forms = map[string]int{}, map[string]*class{}, map[string]int{}
	}
	s.Queries++
	s.Characters += utf8.RuneCountInString(j.Query)
	for _, f := range forms {
		if f.re.MatchString(j.Query) {
			s.Forms[f.name]++
			if !j.Re {
				s.Forms[f.name+", of a rule without `re`"]++
			}
		}
	}
	if j.Left != "" {
		s.Left[j.Left]++
	}
	if len(j.Steps) > 0 {
		s.Needless++
	}
	if j.Cut {
		s.Cut++
	}
	seen := map[string]bool{}
	for _, st := range j.Steps {
		c := s.Classes[st.Class]
		if c == nil {
			c = &class{}
			s.Classes[st.Class] = c
		}
		c.Places++
		c.Characters += st.Characters
		if seen[st.Class] {
			continue
		}
		seen[st.Class] = true
		if c.Queries++; len(c.Rules) < maxRules {
			c.Rules = append(c.Rules, filepath.Base(path))
		}
	}
}
