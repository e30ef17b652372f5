package regex

import (
	"slices"
	"strconv"
)

// Regular is re as it stands for the same texts in engines whose `$` is the very
// end alone and whose lines begin behind a last \n too (RE2, Rust's regex): a
// `$` becomes `\n?\z`. Lack names what such engines do not have, or is "".
func (re *Re) Regular() (out *Re, lack string) {
	if lack = re.Extended(); lack != "" || !re.has(OpEnd) && !re.has(OpBeginLine) {
		return re, lack
	}
	return re.regular(true, false)
}

// regular is Regular of a part. Of what follows it, ends says that this may
// match nothing where the text ends, takes that it takes a character.
func (re *Re) regular(ends, takes bool) (*Re, string) {
	switch {
	case re.Op == OpEnd && ends:
		return Concat(oneNewline, &Re{Op: OpEndText}), ""
	case re.Op == OpEnd || re.Op == OpRepeat && re.Min > 1 && re.has(OpEnd) && !re.ends():
		return re, "`$` before more text"
	case re.Op == OpBeginLine && takes:
		return &Re{Op: OpBehindLine}, ""
	case re.Op == OpBeginLine:
		return re, "`^` of a line that may be empty"
	case len(re.Subs) == 0:
		return re, ""
	}
	subs := slices.Clone(re.Subs)
	for i := len(subs) - 1; i >= 0; i-- {
		s, lack := re.Subs[i].regular(ends, takes)
		if lack != "" {
			return re, lack
		}
		if subs[i] = s; re.Op == OpConcat {
			ends, takes = ends && re.Subs[i].ends(), takes || re.Subs[i].takes()
		}
	}
	if re.Op == OpConcat {
		return Concat(subs...), ""
	}
	changed := *re
	changed.Subs = subs
	return &changed, ""
}

var oneNewline = &Re{Op: OpRepeat, Max: 1, Subs: []*Re{Literal('\n', false)}}

func (re *Re) has(op Op) bool {
	return re.Op == op || slices.ContainsFunc(re.Subs, func(s *Re) bool { return s.has(op) })
}

// ends says whether re matches nothing at the end of any text, and before a \n
// there.
func (re *Re) ends() bool {
	switch re.Op {
	case OpEmpty, OpEnd, OpEndLine:
		return true
	case OpConcat, OpGroup:
		return !slices.ContainsFunc(re.Subs, func(s *Re) bool { return !s.ends() })
	case OpAlternate:
		return slices.ContainsFunc(re.Subs, (*Re).ends)
	case OpRepeat:
		return re.Min == 0 || re.Subs[0].ends()
	}
	return false
}

// takes says whether re takes at least one character.
func (re *Re) takes() bool {
	switch re.Op {
	case OpLiteral, OpClass, OpAny, OpAnyNotNewline:
		return true
	case OpConcat, OpGroup:
		return slices.ContainsFunc(re.Subs, (*Re).takes)
	case OpAlternate:
		return !slices.ContainsFunc(re.Subs, func(s *Re) bool { return !s.takes() })
	case OpRepeat:
		return re.Min > 0 && re.Subs[0].takes()
	}
	return false
}

// Extended names the first construct beyond regular languages in re, or is "".
func (re *Re) Extended() string {
	if re.Op == OpExtended {
		return re.Feature
	}
	for _, s := range re.Subs {
		if f := s.Extended(); f != "" {
			return f
		}
	}
	return ""
}

// MatchesEmpty says whether re matches the empty text.
func (re *Re) MatchesEmpty() bool { return re.empty(re) }

func (re *Re) empty(root *Re) bool {
	switch re.Op {
	case OpLiteral, OpClass, OpAny, OpAnyNotNewline, OpWordBoundary:
		return false
	case OpConcat:
		return !slices.ContainsFunc(re.Subs, func(s *Re) bool { return !s.empty(root) })
	case OpAlternate:
		return slices.ContainsFunc(re.Subs, func(s *Re) bool { return s.empty(root) })
	case OpRepeat:
		return re.Min == 0 || re.Subs[0].empty(root)
	case OpGroup:
		return re.Subs[0].empty(root)
	case OpExtended:
		switch {
		case re.Feature == "back-reference":
			n, _ := strconv.Atoi(re.Text[1:])
			g := root.group(&n)
			return g != nil && !g.refers() && g.empty(root)
		case re.Text == "(?!" || re.Text == "(?<!":
			return !re.Subs[0].empty(root)
		}
		return re.Subs[0].empty(root)
	}
	return true
}

// group finds the n-th group.
func (re *Re) group(n *int) *Re {
	if re.Op == OpGroup {
		if *n--; *n == 0 {
			return re
		}
	}
	for _, s := range re.Subs {
		if g := s.group(n); g != nil {
			return g
		}
	}
	return nil
}

func (re *Re) refers() bool {
	return re.Feature == "back-reference" || slices.ContainsFunc(re.Subs, (*Re).refers)
}
