package ir

// A Regexp is true of a value in which the regular expression matches
// somewhere, with regard to case unless the expression says `(?i)` or the flag
// i stands beside it.
//
// Source is the expression as the rule has it (Sigma's flavour is PCRE). Re is
// its meaning; Re is nil exactly when Source holds unresolved Placeholders.
type Regexp struct {
	Source       string
	Flags        ReFlags
	Placeholders []string
	Re           *Re
}

// ReFlags are the modifiers i, m and s of `re`.
type ReFlags struct {
	IgnoreCase bool // i
	Multiline  bool // m: ^ and $ match at line borders
	DotAll     bool // s: the dot matches a newline
}

// A Re is a node of a parsed regular expression. The flags of the source are
// already applied: they stand in Op and Fold, so a Re means the same anywhere.
type Re struct {
	Op       ReOp
	Rune     rune        // ReLiteral
	Ranges   []RuneRange // ReClass: sorted, disjoint, not touching
	Fold     bool        // ReLiteral, ReClass: ignore case
	Subs     []*Re       // ReConcat, ReAlternate; one sub for ReRepeat, ReGroup and a look-around
	Min, Max int         // ReRepeat; Max is -1 where there is no upper bound
	Lazy     bool        // ReRepeat: as few as possible; the same texts match
	Text     string      // ReExtended: the construct's opening as written, `(?=` or `\1`
	Feature  string      // ReExtended: its name in an error: "look-ahead", "back-reference", …
}

// A RuneRange is the characters from Lo to Hi, both included.
type RuneRange struct{ Lo, Hi rune }

// A ReOp says what a Re is.
type ReOp uint8

// The kinds of a Re.
const (
	ReEmpty          ReOp = iota // the empty text
	ReLiteral                    // one character
	ReClass                      // one character of Ranges; negation is already resolved
	ReAny                        // any character
	ReAnyNotNewline              // any character but \n
	ReBeginText                  // \A, and ^ without the flag m
	ReEndText                    // \z: the very end
	ReEnd                        // \Z, and $ without the flag m: the end, or before a \n that ends the text
	ReBeginLine                  // ^ with the flag m: the start, and behind a \n that does not end the text
	ReBehindLine                 // the start, and behind any \n: ^ with the flag m, but for PCRE
	ReEndLine                    // $ with the flag m: the end, and before a \n
	ReWordBoundary               // \b, of ASCII words
	ReNoWordBoundary             // \B
	ReConcat                     // all of Subs, one after the other
	ReAlternate                  // one of Subs
	ReRepeat                     // Subs[0] Min to Max times
	ReGroup                      // a capturing group, kept only where a back-reference may need it
	ReExtended                   // beyond regular languages: look-around, back-reference, atomic, possessive, …
)
