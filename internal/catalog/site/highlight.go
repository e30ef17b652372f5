package site

import (
	"embed"
	"html/template"
	"math"
	"strings"
	"sync"

	"github.com/alecthomas/chroma/v2"
)

// The lexers of the languages of rules and queries. They are our own, for a page needs
// few classes, and the library's are all made when a process starts.
//
//go:embed lexers/*.xml
var lexerFiles embed.FS

var lexers = sync.OnceValue(func() map[string]chroma.Lexer {
	files, err := lexerFiles.ReadDir("lexers")
	if err != nil {
		panic(err)
	}
	out := map[string]chroma.Lexer{}
	for _, f := range files {
		name, _, _ := strings.Cut(f.Name(), ".")
		lexer, err := chroma.NewXMLLexer(lexerFiles, "lexers/"+f.Name())
		if err == nil {
			lexer, err = patient(lexer)
		}
		if err != nil {
			panic(err)
		}
		out[name] = lexer
	}
	return out
})

// patient is a lexer whose patterns may take their time. The library gives up a match
// after a quarter of a second, so on a busy machine equal texts would not be equal pages.
func patient(lexer *chroma.RegexLexer) (*chroma.RegexLexer, error) {
	rules, err := lexer.Rules()
	if err != nil {
		return nil, err
	}
	rules = rules.Clone()
	rules["root"][0].Mutator = unlimited{}
	return chroma.NewLexer(lexer.Config(), func() chroma.Rules { return rules })
}

// unlimited changes a lexer once, when its patterns are compiled.
type unlimited struct{}

// Mutate does nothing while a text is read.
func (unlimited) Mutate(*chroma.LexerState) error { return nil }

// MutateLexer takes the limits of time off, and itself out.
func (unlimited) MutateLexer(rules chroma.CompiledRules, state string, rule int) error {
	rules[state][rule].Mutator = nil
	for _, of := range rules {
		for _, r := range of {
			r.Regexp.MatchTimeout = math.MaxInt64
		}
	}
	return nil
}

// classes are those of the style sheet by what a token is; the rest has none.
var classes = map[chroma.TokenType]string{chroma.Comment: "c", chroma.LiteralString: "s", chroma.Keyword: "k",
	chroma.NameAttribute: "n", chroma.NameFunction: "f", chroma.LiteralNumber: "m"}

// maxHighlighted is the size in bytes above which a text has no colours.
const maxHighlighted = 64 << 10

// highlighted is a text of a language in HTML, its tokens marked by classes. Only text
// without what cannot be seen is the same when it is read from the page.
func highlighted(language, text string) template.HTML {
	plain := template.HTML(template.HTMLEscapeString(text))
	lexer := lexers()[language]
	if lexer == nil || len(text) > maxHighlighted {
		return plain
	}
	tokens, err := lexer.Tokenise(nil, text)
	if err != nil {
		return plain
	}
	var b, whole strings.Builder
	open, blanks := "", ""
	turn := func(class string) {
		if class != open && open != "" {
			b.WriteString("</span>")
		}
		b.WriteString(blanks)
		blanks = ""
		if class != open && class != "" {
			b.WriteString(`<span class="` + class + `">`)
		}
		open = class
	}
	for _, t := range tokens.Tokens() {
		whole.WriteString(t.Value)
		if strings.TrimSpace(t.Value) == "" {
			blanks += t.Value // of the next one, where it is of the same class
			continue
		}
		turn(classes[t.Type])
		template.HTMLEscape(&b, []byte(t.Value))
	}
	turn("")
	if whole.String() != text {
		return plain
	}
	return template.HTML(b.String())
}
