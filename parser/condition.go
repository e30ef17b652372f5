package parser

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/ir"
)

// maxNesting bounds the parentheses and nots around a part of a condition: the
// grammar recurses, and a rule may be hostile.
const maxNesting = 100

// maxCondition bounds the bytes of a condition: each of its patterns looks at
// every name. The longest of the public rules has 1,500.
const maxCondition = 10_000

// The grammar of conditions (specification, "Condition"): `x of` binds
// tightest, then not, and, or. The lexer gives the words their kinds, so that
// no keyword is bitten off the front of a name.
type (
	orNode struct {
		Ands []*andNode `parser:"@@ (Or @@)*"`
	}
	andNode struct {
		Nots []*notNode `parser:"@@ (And @@)*"`
	}
	notNode struct {
		Nots       []string    `parser:"@Not*"`
		Quantifier lexer.Token `parser:"( ( @Quantifier Of )?"` // empty: Word is a name
		Word       lexer.Token `parser:"@Word"`
		Inner      *orNode     `parser:"| Open @@ Close )"`
	}
)

const (
	tokenWord lexer.TokenType = iota + 1
	tokenAnd
	tokenOr
	tokenNot
	tokenQuantifier
	tokenOf
	tokenOpen
	tokenClose
	tokenPipe
)

type conditionLexer struct{}

func (conditionLexer) Symbols() map[string]lexer.TokenType {
	return map[string]lexer.TokenType{
		"EOF": lexer.EOF, "Word": tokenWord, "And": tokenAnd, "Or": tokenOr, "Not": tokenNot,
		"Quantifier": tokenQuantifier, "Of": tokenOf, "Open": tokenOpen, "Close": tokenClose, "Pipe": tokenPipe,
	}
}

func (conditionLexer) Lex(_ string, r io.Reader) (lexer.Lexer, error) {
	b, err := io.ReadAll(r)
	return &tokenList{tokens: tokenize(string(b))}, err
}

type tokenList struct{ tokens []lexer.Token }

func (l *tokenList) Next() (lexer.Token, error) {
	t := l.tokens[0]
	if len(l.tokens) > 1 {
		l.tokens = l.tokens[1:]
	}
	return t, nil
}

// tokenize splits a condition at white space, parentheses and the pipe. Offsets
// are in bytes.
func tokenize(s string) []lexer.Token {
	out := make([]lexer.Token, 0, strings.Count(s, " ")+2)
	add := func(kind lexer.TokenType, from, to int) {
		out = append(out, lexer.Token{Type: kind, Value: s[from:to], Pos: lexer.Position{Offset: from, Line: 1, Column: from + 1}})
	}
	for i := 0; i < len(s); {
		if kind := signOf(s[i]); kind != 0 {
			add(kind, i, i+1)
			i++
			continue
		}
		if r, size := utf8.DecodeRuneInString(s[i:]); unicode.IsSpace(r) {
			i += size
			continue
		}
		end := i
		for end < len(s) {
			r, size := utf8.DecodeRuneInString(s[end:])
			if unicode.IsSpace(r) || r == '(' || r == ')' || r == '|' {
				break
			}
			end += size
		}
		add(tokenWord, i, end)
		i = end
	}
	for i := range out {
		if out[i].Type != tokenWord {
			continue
		}
		follows := func(word string) bool { return i+1 < len(out) && out[i+1].Value == word }
		switch out[i].Value {
		case "and":
			out[i].Type = tokenAnd
		case "or":
			out[i].Type = tokenOr
		case "not":
			out[i].Type = tokenNot
		case "1", "any", "all":
			if follows("of") {
				out[i].Type = tokenQuantifier
			}
		case "of":
			if i > 0 && out[i-1].Type == tokenQuantifier {
				out[i].Type = tokenOf
			}
		}
	}
	add(lexer.EOF, len(s), len(s))
	return out
}

func tokenEnd(t lexer.Token) int { return t.Pos.Offset + len(t.Value) }

func signOf(c byte) lexer.TokenType {
	switch c {
	case '(':
		return tokenOpen
	case ')':
		return tokenClose
	case '|':
		return tokenPipe
	}
	return 0
}

var conditionParser = sync.OnceValue(func() *participle.Parser[orNode] {
	return participle.MustBuild[orNode](participle.Lexer(conditionLexer{}))
})

// A conditionError is a fault of some bytes of a condition.
type conditionError struct {
	from, to int
	msg      string
}

func (e *conditionError) Error() string { return e.msg }

// conditions are the trees of short conditions: most rules have one of a few.
var conditions struct {
	sync.RWMutex
	trees map[string]*orNode
}

func cachedCondition(text string, tokens []lexer.Token) (*orNode, *conditionError) {
	const short, most = 64, 1000
	if len(text) > short {
		return parseCondition(tokens)
	}
	conditions.RLock()
	tree, n := conditions.trees[text], len(conditions.trees)
	conditions.RUnlock()
	if tree != nil {
		return tree, nil
	}
	tree, err := parseCondition(tokens)
	if err == nil && n < most {
		conditions.Lock()
		defer conditions.Unlock()
		if conditions.trees == nil {
			conditions.trees = map[string]*orNode{}
		}
		conditions.trees[text] = tree
	}
	return tree, err
}

// parseCondition reads a condition, which has no pipe.
func parseCondition(tokens []lexer.Token) (*orNode, *conditionError) {
	depth, nots := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case tokenOpen:
			depth++
		case tokenClose:
			depth--
		case tokenNot:
			nots++
		default:
			nots = 0
		}
		if depth+nots > maxNesting {
			return nil, &conditionError{t.Pos.Offset, tokenEnd(t), fmt.Sprintf("nested more than %d deep", maxNesting)}
		}
	}
	if end := tokens[len(tokens)-1].Pos.Offset; end > maxCondition {
		return nil, &conditionError{0, end, fmt.Sprintf("the condition is longer than %d bytes", maxCondition)}
	}
	lex, err := lexer.Upgrade(&tokenList{tokens: tokens})
	if err != nil {
		panic("parser: a list of tokens failed: " + err.Error())
	}
	tree, err := conditionParser().ParseFromLexer(lex)
	if err == nil {
		return tree, nil
	}
	at := 0
	if e := participle.Error(nil); errors.As(err, &e) {
		at = e.Position().Offset
	}
	return nil, syntaxError(tokens, at)
}

// syntaxError says in the words of the condition what is wrong at a byte.
func syntaxError(tokens []lexer.Token, offset int) *conditionError {
	i := 0
	for i < len(tokens)-1 && tokens[i].Pos.Offset < offset {
		i++
	}
	end := 0 // behind more than the token
	fail := func(format string, args ...any) *conditionError {
		return &conditionError{tokens[i].Pos.Offset, max(end, tokenEnd(tokens[i])), fmt.Sprintf(format, args...)}
	}
	shouts := func(t lexer.Token) bool {
		low := strings.ToLower(t.Value)
		return low != t.Value && (low == "and" || low == "or" || low == "not")
	}
	if i > 0 && (shouts(tokens[i-1]) || tokens[i].Type == tokenWord && tokens[i].Value == "of") {
		i-- // the word before is at fault
	}
	t := tokens[i]
	operand := i > 0 && (tokens[i-1].Type == tokenWord || tokens[i-1].Type == tokenClose)
	switch {
	case len(tokens) == 1:
		return fail("the condition is empty")
	case shouts(t):
		return fail("%q must be written in lower case: %q", t.Value, strings.ToLower(t.Value))
	case t.Type == tokenWord && i+1 < len(tokens) && tokens[i+1].Type == tokenWord && tokens[i+1].Value == "of":
		end = tokenEnd(tokens[i+1])
		return fail("`%s of` is not known; there are `1 of`, `any of` and `all of`", t.Value)
	case t.Type == tokenClose && !opened(tokens[:i]):
		return fail("a parenthesis closes that was not opened")
	case t.Type == lexer.EOF && operand:
		return fail("a parenthesis is not closed")
	case t.Type == lexer.EOF:
		return fail("the condition ends where a name is expected")
	case operand:
		return fail("unexpected %q: `and` or `or` is expected here", t.Value)
	}
	return fail("unexpected %q: a name is expected here", t.Value)
}

func opened(tokens []lexer.Token) bool {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case tokenOpen:
			depth++
		case tokenClose:
			depth--
		}
	}
	return depth > 0
}

// condition reads a condition over the detections ds. What a timeframe is about stands
// behind a pipe, as in Sigma 1.
func (f *file) condition(n *yaml.Node, ds []ir.Detection, timeframe entry) (ir.Condition, bool) {
	c := ir.Condition{Text: strings.TrimSpace(n.Value), Pos: posOf(n)}
	tokens := tokenize(n.Value)
	for i, t := range tokens {
		if t.Type == tokenPipe {
			f.refuseAggregation(n, tokens[i:], timeframe)
			return c, false
		}
	}
	tree, err := cachedCondition(n.Value, tokens)
	if err != nil {
		f.failIn(n, err.from, err.to, ir.Syntax, "%s", err.msg)
		return c, false
	}
	names := make([]string, len(ds))
	for i, d := range ds {
		names[i] = d.Name
	}
	c.Expr = f.build(n, tree, tokens, names, "detection")
	return c, c.Expr != nil
}

// build makes an Expr of the tree of a condition that stands in n; of what the names are
// is noun. It is nil where a part names nothing.
func (f *file) build(n *yaml.Node, tree *orNode, tokens []lexer.Token, names []string, noun string) ir.Expr {
	b := &conditionBuilder{file: f, names: names, noun: noun, ok: true}
	b.ends = make([]int, 0, 2*len(tokens))
	for _, t := range tokens {
		b.ends = append(b.ends, t.Pos.Offset, tokenEnd(t))
	}
	b.places = f.places(make([]ir.Pos, 0, len(b.ends)), n, b.ends...)
	if e := b.or(tree); b.ok {
		return e
	}
	return nil
}

// A conditionBuilder makes an Expr of a condition's tree.
type conditionBuilder struct {
	*file
	ends   []int    // the bytes at which tokens start and end
	places []ir.Pos // of these
	names  []string // that there are
	noun   string   // of what
	ok     bool
}

// dangles says that some bytes of the condition name nothing.
func (b *conditionBuilder) dangles(from, to int, format string, args ...any) {
	b.ok = false
	d := b.diagnostic(b.span(from, to), format, args...)
	d.Code = "dangling_condition"
	b.errs = append(b.errs, d)
}

func (b *conditionBuilder) span(from, to int) ir.Span {
	return ir.Span{Start: b.place(from), End: b.place(to)}
}

func (b *conditionBuilder) place(offset int) ir.Pos {
	i, _ := slices.BinarySearch(b.ends, offset)
	return b.places[i]
}

func (b *conditionBuilder) or(n *orNode) ir.Expr {
	if len(n.Ands) == 1 {
		return b.and(n.Ands[0])
	}
	out := make(ir.Or, len(n.Ands))
	for i, a := range n.Ands {
		out[i] = b.and(a)
	}
	return out
}

func (b *conditionBuilder) and(n *andNode) ir.Expr {
	if len(n.Nots) == 1 {
		return b.not(n.Nots[0])
	}
	out := make(ir.And, len(n.Nots))
	for i, x := range n.Nots {
		out[i] = b.not(x)
	}
	return out
}

func (b *conditionBuilder) not(n *notNode) (e ir.Expr) {
	switch {
	case n.Inner != nil:
		e = b.or(n.Inner)
	case n.Quantifier.Value != "":
		e = b.of(n.Quantifier, n.Word)
	default:
		e = b.ref(n.Word)
	}
	for range n.Nots {
		e = ir.Not{X: e}
	}
	return e
}

func (b *conditionBuilder) ref(word lexer.Token) ir.Expr {
	name, from, to := word.Value, word.Pos.Offset, tokenEnd(word)
	if slices.Contains(b.names, name) {
		return ir.Ref{Name: name, Span: b.span(from, to)}
	}
	hint := suggest.For(name, b.names)
	if strings.ContainsAny(name, "*?") {
		hint = "; a pattern needs `1 of` or `all of` before it"
	}
	b.dangles(from, to, "no %s is named %q%s", b.noun, name, hint)
	return ir.False
}

// of selects by a pattern over the names. Those that start with an underscore are
// left out unless the pattern starts so too.
func (b *conditionBuilder) of(quantifier, pattern lexer.Token) ir.Expr {
	p, from, end := pattern.Value, quantifier.Pos.Offset, tokenEnd(pattern)
	e := ir.Of{All: quantifier.Value == "all", Pattern: p, Span: b.span(from, end)}
	for _, name := range b.names {
		if strings.HasPrefix(name, "_") && !strings.HasPrefix(p, "_") {
			continue
		}
		if p == "them" || nameMatches(p, name) {
			e.Names = append(e.Names, name)
		}
	}
	if len(e.Names) == 0 {
		if len(b.names) == 0 {
			b.dangles(from, end, "`%s of %s` selects nothing: there is no list of names", quantifier.Value, p)
		} else if p == "them" {
			b.dangles(from, end, "`%s of them` selects nothing: every %s starts with an underscore", quantifier.Value, b.noun)
		} else {
			b.dangles(pattern.Pos.Offset, end, "no %s has a name like %q%s", b.noun, p, suggest.For(p, b.names))
		}
	}
	return e
}

// nameMatches matches a name against a pattern with `*` and `?`, in linear
// space and at most quadratic time.
func nameMatches(pattern, name string) bool {
	p, s := []rune(pattern), []rune(name)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
