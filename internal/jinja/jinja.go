// Package jinja runs templates in the language of Jinja. A template reads what it is
// given a function for, and calls nothing outside. A library reads it and has its
// values, filters and tests; it is run here, since the library's way cannot be stopped
// and a template may be hostile: each step and each value that is made counts. No other
// package knows the library, and nothing of it is made ready before there is a template.
package jinja

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nikolalohinski/gonja/v2"
	"github.com/nikolalohinski/gonja/v2/builtins"
	structures "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// A Template is one of the texts that Read gives by their names; it may include the
// others.
type Template struct {
	Name   string
	Read   func(name string) ([]byte, error)
	Escape bool // write texts as HTML has them
}

// The limits of a template. A step is a part of the template that is looked at, or
// stepBytes of a value that is made.
const (
	maxTemplate     = 64 << 10
	maxFiles        = 100
	maxRange        = 100_000 // numbers that `range` gives in one run, and numbers given to filters
	maxNested       = 200     // bodies of statements and macros in each other
	maxValueDeep    = 100
	stepBytes       = 64
	templateTimeout = 10 * time.Second // of reading one
)

// MaxOutput bounds the bytes of a text that is made, and of a value on the way.
const MaxOutput = 64 << 20

// maxSteps bounds the steps of one run. Tests change it.
var maxSteps = 2_000_000

// Check reads the template, and not what it includes.
func (t Template) Check() error {
	_, err := (&files{Template: t}).template(t.Name)
	return err
}

// Execute is what the template makes of data: maps, lists, texts, numbers and
// booleans of Go, by their names.
func (t Template) Execute(data map[string]any) (out string, err error) {
	defer func() {
		if p := recover(); p != nil { // of the library
			err = fmt.Errorf("%v", p)
		}
	}()
	files := &files{Template: t}
	read, err := files.template(t.Name)
	if err != nil {
		return "", err
	}
	run := &templateRun{files: files, ranges: maxRange}
	scope := gonja.DefaultContext.Inherit()
	for name, v := range data {
		scope.Set(name, exec.ToValue(v)) // held, so that a method may change it
	}
	scope.Set("range", run.numbers)
	scope.Set("lipsum", nil) // is made by chance
	scope.Set(runKey, run)
	b := &limited{}
	body := &renderer{run, b, scope, t.Escape}
	err = body.render(read.Root().Nodes)
	return b.String(), err
}

// A templateRun is what one run of a template has done.
type templateRun struct {
	files         *files
	steps, nested int
	ranges        int // numbers that are left for `range`
}

const runKey = "\x00run"

func (t *templateRun) step(n int) error {
	if t.steps += n; n < 0 || t.steps > maxSteps {
		return fmt.Errorf("the template takes more than %d steps", maxSteps)
	}
	return nil
}

// made is a value that is new, if it is not too large.
func (t *templateRun) made(v *exec.Value) (*exec.Value, error) {
	if err, ok := v.Interface().(error); ok {
		return nil, err
	}
	size := measure(v, MaxOutput, 0)
	if size > MaxOutput {
		return nil, fmt.Errorf("a value of more than %d MiB, or nested more than %d deep", MaxOutput>>20, maxValueDeep)
	}
	return v, t.step(1 + size/stepBytes)
}

// measure is about how many bytes a value is as a text, with a step for each part
// of a list, or more than most.
func measure(v *exec.Value, most, depth int) int {
	switch {
	case v.IsString():
		return v.Len()
	case v.IsCallable() || !v.IsList() && !v.IsDict():
		return 8
	case depth > maxValueDeep || v.Len() > most/stepBytes:
		return most + 1
	}
	size := 2
	v.Iterate(func(_, _ int, key, value *exec.Value) bool {
		for _, x := range []*exec.Value{key, value} {
			if x != nil && size <= most {
				size += stepBytes + measure(x, most-size, depth+1)
			}
		}
		return size <= most
	}, func() {})
	return size
}

// numbers is `range`, of a bounded length.
func (t *templateRun) numbers(_ *exec.Evaluator, args *exec.VarArgs) *exec.Value {
	n := [3]int{0, 0, 1}
	for i, a := range args.Args {
		if i > 2 || !a.IsInteger() {
			return exec.AsValue(exec.ErrInvalidCall(fmt.Errorf("range takes one to three whole numbers")))
		}
		n[i] = a.Integer()
	}
	if len(args.Args) == 1 {
		n[0], n[1] = 0, n[0]
	}
	out := []int{}
	for i := n[0]; n[2] > 0 && i < n[1] || n[2] < 0 && i > n[1]; i += n[2] {
		if t.ranges--; t.ranges < 0 {
			return exec.AsValue(exec.ErrInvalidCall(fmt.Errorf("range gives more than %d numbers", maxRange)))
		}
		out = append(out, i)
	}
	return exec.AsValue(out)
}

// growing are the filters and methods whose result may be as large as the product
// of what they are given.
var growing = map[string]bool{"replace": true, "indent": true, "wordwrap": true, "urlize": true, "format": true,
	"format_map": true, "batch": true, "slice": true, "center": true, "ljust": true, "rjust": true, "zfill": true, "expandtabs": true,
	"translate": true, "tojson": true, "xmlattr": true, "to_bytes": true}

// wide is a width of four digits and more in a format, or one that is given apart.
var wide = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[%:{][^%{}a-zA-Z]*(?:[0-9]{4}|\*)`) })

// guard says whether a filter, method or function may be called with this, and
// counts the steps of that. Numbers are widths and counts mostly.
func (t *templateRun) guard(name string, in *exec.Value, args *exec.VarArgs) error {
	size, factor := 8, 1
	if in != nil {
		size += measure(in, MaxOutput, 0)
	}
	given := args.Args
	for _, a := range args.KwArgs {
		given = append(given[:len(given):len(given)], a)
	}
	for _, a := range given {
		n := measure(a, MaxOutput, 0)
		size += n
		if a.IsInteger() || a.IsFloat() {
			if n = max(a.Integer(), -a.Integer()); n < 0 || n > maxRange && name != "default" && name != "d" {
				return fmt.Errorf("%s takes no number above %d", name, maxRange)
			}
		}
		factor += n
	}
	switch name {
	case "format", "format_map":
		if in != nil && wide().MatchString(in.String()) {
			return fmt.Errorf("%s takes no width of more than three digits", name)
		}
	case "unique", "groupby", "sort", "dictsort":
		if n := in.Len(); n > maxRange || t.step(n*n/stepBytes) != nil {
			return fmt.Errorf("%s takes more than %d steps", name, maxSteps)
		}
	}
	most := size
	if growing[name] {
		most *= factor
	}
	if name == "join" && in.IsList() {
		most = size + in.Len()*factor
	}
	if most > MaxOutput {
		return fmt.Errorf("%s may make a value of more than %d MiB", name, MaxOutput>>20)
	}
	return t.step(1 + size/stepBytes)
}

// filters are the library's, each behind a guard: they call each other by name.
var filters = sync.OnceValue(func() *exec.FilterSet {
	out := map[string]exec.FilterFunction{}
	for _, name := range []string{"abs", "attr", "batch", "capitalize", "center", "default", "d", "dictsort", "e", "escape",
		"filesizeformat", "first", "float", "forceescape", "format", "groupby", "indent", "int", "join", "items", "last", "length", "count",
		"list", "lower", "map", "max", "min", "pprint", "random", "rejectattr", "reject", "replace", "reverse", "round", "safe",
		"selectattr", "select", "slice", "sort", "string", "striptags", "sum", "title", "tojson", "trim", "truncate", "unique", "upper",
		"urlencode", "urlize", "wordcount", "wordwrap", "xmlattr"} {
		f, ok := builtins.Filters.Get(name)
		if !ok {
			panic("jinja: no filter " + name)
		}
		out[name] = func(e *exec.Evaluator, in *exec.Value, args *exec.VarArgs) *exec.Value {
			v, _ := e.Environment.Context.Get(runKey)
			t := v.(*templateRun)
			if err := t.guard(name, in, args); err != nil {
				return exec.AsValue(err)
			}
			made := f(e, in, args)
			if _, err := t.made(made); err != nil {
				return exec.AsValue(err)
			}
			return made
		}
	}
	return exec.NewFilterSet(out)
})

// A renderer writes a part of a template.
type renderer struct {
	*templateRun
	out    io.StringWriter
	scope  *exec.Context
	escape bool
}

// nest is a renderer of a body with names of its own.
func (r *renderer) nest() *renderer {
	sub := *r
	sub.scope = r.scope.Inherit()
	return &sub
}

// body writes the body of a statement.
func (r *renderer) body(w *nodes.Wrapper) error {
	if r.nested++; r.nested > maxNested {
		return fmt.Errorf("statements and macros nested more than %d deep", maxNested)
	}
	defer func() { r.nested-- }()
	return r.render(w.Nodes)
}

// text is what a body writes.
func (r *renderer) text(w *nodes.Wrapper) (string, error) {
	sub, b := r.nest(), &limited{}
	sub.out = b
	err := sub.body(w)
	return b.String(), err
}

func (r *renderer) render(ns []nodes.Node) error {
	for _, n := range ns {
		if err := r.node(n); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) node(n nodes.Node) error {
	if err := r.step(1); err != nil {
		return err
	}
	switch n := n.(type) {
	case *nodes.Data:
		var b strings.Builder
		if _, err := (&exec.Renderer{Output: &b}).Visit(n); err != nil {
			return err
		}
		_, err := r.out.WriteString(b.String())
		return err
	case *nodes.Output:
		v, err := r.choose(n.Expression, n.Condition, n.Alternative)
		if err != nil || v == nil {
			return at(n.Start, err)
		}
		if v, err = r.made(v); err != nil {
			return at(n.Start, err)
		}
		text := v.String()
		if r.escape && v.IsString() && !v.Safe {
			text = v.Escaped()
		}
		_, err = r.out.WriteString(text)
		return at(n.Start, err)
	case *nodes.ControlStructureBlock:
		return at(n.Location, r.statement(n.ControlStructure))
	}
	return nil // a comment
}

// An atError is an error with its line in a template.
type atError struct {
	line int
	err  error
}

func (e *atError) Error() string { return fmt.Sprintf("line %d of the template: %s", e.line, e.err) }
func (e *atError) Unwrap() error { return e.err }

func at(t *tokens.Token, err error) error {
	if err == nil || errors.As(err, new(*atError)) || err == errBreak || err == errContinue {
		return err
	}
	return &atError{t.Line, err}
}

// choose is `a if condition else b`, or nil.
func (r *renderer) choose(a, condition, b nodes.Expression) (*exec.Value, error) {
	if condition == nil {
		return r.eval(a)
	}
	switch c, err := r.eval(condition); {
	case err != nil:
		return nil, err
	case c.IsTrue():
		return r.eval(a)
	case b == nil:
		return nil, nil
	}
	return r.eval(b)
}

// eval is the value of an expression. Parts are evaluated here; the library says
// what an operator makes of their values.
func (r *renderer) eval(n nodes.Node) (*exec.Value, error) {
	if err := r.step(1); err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case *nodes.Name:
		v, _ := r.scope.Get(n.Name.Val)
		return exec.ToValue(v), nil
	case *nodes.String:
		return exec.AsValue(n.Val), nil
	case *nodes.Integer:
		return exec.AsValue(n.Val), nil
	case *nodes.Bool:
		return exec.AsValue(n.Val), nil
	}
	h := &holes{r: r, scope: exec.NewContext(map[string]any{runKey: r.templateRun})}
	var do nodes.Expression
	switch n := n.(type) {
	case *nodes.List:
		do = &nodes.List{Location: n.Location, Val: h.all(n.Val)}
	case *nodes.Tuple:
		do = &nodes.Tuple{Location: n.Location, Val: h.all(n.Val)}
	case *nodes.Dict:
		d := &nodes.Dict{Token: n.Token}
		for _, p := range n.Pairs {
			d.Pairs = append(d.Pairs, &nodes.Pair{Key: h.of(p.Key), Value: h.of(p.Value)})
		}
		do = d
	case *nodes.BinaryExpression:
		left, err := r.eval(n.Left)
		if err != nil {
			return nil, err
		}
		switch n.Operator.Token.Type {
		case tokens.And, tokens.Or:
			if left.IsTrue() == (n.Operator.Token.Type == tokens.Or) {
				return left, nil
			}
			return r.eval(n.Right)
		}
		right, err := r.eval(n.Right)
		if err != nil {
			return nil, err
		}
		most := measure(left, MaxOutput, 0) + measure(right, MaxOutput, 0)
		if n.Operator.Token.Type == tokens.Multiply && left.IsString() {
			times := right.Integer()
			if times < 0 || times > MaxOutput {
				return nil, fmt.Errorf("a text cannot be repeated %d times", times)
			}
			most = left.Len() * times
		}
		if most > 2*MaxOutput {
			return nil, fmt.Errorf("a value of more than %d MiB", MaxOutput>>20)
		}
		if err := r.step(1 + most/stepBytes); err != nil {
			return nil, err
		}
		do = &nodes.BinaryExpression{Left: h.hole(left), Right: h.hole(right), Operator: n.Operator}
	case *nodes.Negation:
		do = &nodes.Negation{Term: h.of(n.Term), Operator: n.Operator}
	case *nodes.UnaryExpression:
		do = &nodes.UnaryExpression{Negative: n.Negative, Term: h.of(n.Term), Operator: n.Operator}
	case *nodes.FilteredExpression:
		v, err := r.eval(n.Expression)
		for _, f := range n.Filters {
			if err == nil {
				v, err = r.filter(f, v)
			}
		}
		return v, err
	case *nodes.TestExpression:
		do = &nodes.TestExpression{Expression: h.of(n.Expression),
			Test: &nodes.TestCall{Token: n.Test.Token, Name: n.Test.Name, Args: h.all(n.Test.Args), Kwargs: h.named(n.Test.Kwargs)}}
	case *nodes.GetItem:
		do = &nodes.GetItem{Location: n.Location, Node: h.of(n.Node), Arg: h.of(n.Arg)}
	case *nodes.GetSlice:
		do = &nodes.GetSlice{Location: n.Location, Node: h.of(n.Node), Start: h.of(n.Start), End: h.of(n.End), Step: h.of(n.Step)}
	case *nodes.GetAttribute:
		v, err := h.value(n.Node)
		if err != nil {
			return nil, err
		}
		if ns, ok := v.Interface().(map[string]any); ok {
			if held, ok := ns[n.Attribute].(*exec.Value); ok {
				return held, nil // itself: the library makes a copy
			}
		}
		do = &nodes.GetAttribute{Location: n.Location, Node: h.hole(v), Attribute: n.Attribute, Index: n.Index}
	case *nodes.Call:
		return r.call(n, h)
	default: // a constant
		if do, _ = n.(nodes.Expression); do == nil {
			return nil, fmt.Errorf("an expression of an unknown kind")
		}
	}
	return h.do(do)
}

// call is the value of a function, a macro or a method.
func (r *renderer) call(n *nodes.Call, h *holes) (*exec.Value, error) {
	do := &nodes.Call{Location: n.Location, Args: h.all(n.Args), Kwargs: h.named(n.Kwargs)}
	name, parent := "", (*exec.Value)(nil)
	var macro exec.Macro
	if get, ok := n.Func.(*nodes.GetAttribute); ok {
		if parent, h.err = h.value(get.Node); h.err != nil {
			return nil, h.err
		}
		name, do.Parent = get.Attribute, h.hole(parent)
		do.Func = &nodes.GetAttribute{Location: get.Location, Node: do.Parent, Attribute: get.Attribute, Index: get.Index}
	} else if fn, err := h.value(n.Func); err == nil {
		macro, _ = fn.Interface().(exec.Macro)
		do.Func = h.hole(fn)
	} else {
		return nil, err
	}
	if h.err != nil {
		return nil, h.err
	}
	args := &exec.VarArgs{KwArgs: map[string]*exec.Value{}}
	for _, a := range do.Args {
		v, _ := h.scope.Get(a.(*nodes.Name).Name.Val)
		args.Args = append(args.Args, v.(*exec.Value))
	}
	for k, a := range do.Kwargs {
		v, _ := h.scope.Get(a.(*nodes.Name).Name.Val)
		args.KwArgs[k] = v.(*exec.Value)
	}
	if macro != nil {
		return r.made(macro(args))
	}
	if parent != nil { // a function of ours is bounded itself
		if parent.IsDict() && slices.Contains([]string{"clear", "pop", "popitem", "setdefault", "update"}, name) {
			return nil, fmt.Errorf("a mapping is not changed by %s; a namespace can be, by `set`", name) // the library changes a copy
		}
		if err := r.guard(name, parent, args); err != nil {
			return nil, err
		}
	}
	v, err := h.do(do)
	if parent == nil || err != nil {
		return v, err
	}
	if now, _ := h.scope.Get(do.Parent.(*nodes.Name).Name.Val); now != parent {
		*parent = *exec.ToValue(now) // a method has changed it, for all that hold it
	}
	_, err = r.made(parent)
	return v, err
}

func (r *renderer) filter(f *nodes.FilterCall, v *exec.Value) (*exec.Value, error) {
	run, ok := filters().Get(f.Name)
	if !ok {
		return nil, fmt.Errorf("no filter is called %s", f.Name)
	}
	args := exec.NewVarArgs()
	for _, x := range f.Args {
		a, err := r.eval(x)
		if err != nil {
			return nil, err
		}
		args.Args = append(args.Args, a)
	}
	for _, k := range slices.Sorted(maps.Keys(f.Kwargs)) {
		a, err := r.eval(f.Kwargs[k])
		if err != nil {
			return nil, err
		}
		args.KwArgs[k] = a
	}
	v, err := r.made(run(r.evaluator(exec.NewContext(map[string]any{runKey: r.templateRun})), v, args))
	if err != nil {
		err = fmt.Errorf("the filter %s: %w", f.Name, err)
	}
	return v, err
}

// evaluator is the library's, for one operator.
func (r *renderer) evaluator(scope *exec.Context) *exec.Evaluator {
	return &exec.Evaluator{Config: config.New(), Environment: &exec.Environment{Filters: filters(), Tests: builtins.Tests,
		Methods: builtins.Methods, Context: scope, ControlStructures: statements()}}
}

// holes are values that stand in an expression in the place of its parts.
type holes struct {
	r     *renderer
	scope *exec.Context
	n     int
	err   error // of the first part that has no value
}

func (h *holes) hole(v *exec.Value) *nodes.Name {
	h.n++
	name := fmt.Sprint("part ", h.n)
	h.scope.Set(name, v)
	return &nodes.Name{Name: &tokens.Token{Val: name}}
}

func (h *holes) value(n nodes.Node) (*exec.Value, error) {
	if h.err != nil {
		return nil, h.err
	}
	return h.r.eval(n)
}

// of is a part's hole, or nil of nil.
func (h *holes) of(n nodes.Node) nodes.Expression {
	if n == nil || h.err != nil {
		return nil
	}
	v, err := h.r.eval(n)
	if err != nil {
		h.err = err
		return nil
	}
	return h.hole(v)
}

func (h *holes) all(ns []nodes.Expression) (out []nodes.Expression) {
	for _, n := range ns {
		out = append(out, h.of(n))
	}
	return out
}

func (h *holes) named(ns map[string]nodes.Expression) map[string]nodes.Expression {
	out := map[string]nodes.Expression{}
	for _, k := range slices.Sorted(maps.Keys(ns)) {
		out[k] = h.of(ns[k])
	}
	return out
}

// do is what the library makes of the parts.
func (h *holes) do(n nodes.Expression) (*exec.Value, error) {
	if h.err != nil {
		return nil, h.err
	}
	return h.r.made(h.r.evaluator(h.scope).Eval(n))
}

// The statements. Those that would run on behind a limit's back are not there:
// inheritance, imports, calls with a body and recursive loops.
var statements = sync.OnceValue(func() *exec.ControlStructureSet {
	return exec.NewControlStructureSet(map[string]parser.ControlStructureParser{
		"if": ofLibrary("if"), "macro": ofLibrary("macro"),
		"for": func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			c, err := ofLibrary("for")(p, args)
			if err == nil && c.(*structures.ForControlStructure).Recursive {
				return nil, errors.New("a recursive loop is not supported")
			}
			return c, err
		},
		"set": readSet,
		"with": func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			s := &withStatement{statement: statement{p.Current()}}
			for !args.End() {
				name := args.Match(tokens.Name)
				if name == nil || args.Match(tokens.Assign) == nil {
					return nil, args.Error("a name and = are expected", nil)
				}
				x, err := args.ParseExpression()
				if err != nil {
					return nil, err
				}
				s.names, s.values = append(s.names, name.Val), append(s.values, x)
				if args.Match(tokens.Comma) == nil {
					break
				}
			}
			return s, s.read(p, args, "endwith")
		},
		"filter": func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			s := &filterStatement{statement: statement{p.Current()}}
			for more := true; more; more = args.Match(tokens.Pipe) != nil {
				f, err := args.ParseFilter()
				if err != nil {
					return nil, err
				}
				s.chain = append(s.chain, f)
			}
			return s, s.read(p, args, "endfilter")
		},
		"autoescape": func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			s := &escapeStatement{statement: statement{p.Current()}}
			mode := args.MatchName("true", "false")
			if mode == nil {
				return nil, args.Error("true or false is expected", nil)
			}
			s.on = mode.Val == "true"
			return s, s.read(p, args, "endautoescape")
		},
		"raw": func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			s := &rawStatement{statement: statement{p.Current()}}
			return s, s.read(p, args, "endraw")
		},
		"do": func(p, args *parser.Parser) (_ nodes.ControlStructure, err error) {
			s := &doStatement{statement: statement{p.Current()}}
			if s.x, err = args.ParseExpression(); err == nil {
				err = ended(args)
			}
			return s, err
		},
		"include": func(p, args *parser.Parser) (_ nodes.ControlStructure, err error) {
			s := &includeStatement{statement: statement{p.Current()}}
			if s.name, err = args.ParseExpression(); err != nil {
				return nil, err
			}
			s.optional = args.MatchName("ignore") != nil && args.MatchName("missing") != nil
			if args.MatchName("with") != nil {
				args.MatchName("context")
			}
			return s, ended(args)
		},
		"break": func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			return &jumpStatement{statement{p.Current()}, errBreak}, ended(args)
		},
		"continue": func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			return &jumpStatement{statement{p.Current()}, errContinue}, ended(args)
		},
	})
})

var errBreak, errContinue = errors.New("break outside of a loop"), errors.New("continue outside of a loop")

func ofLibrary(name string) parser.ControlStructureParser {
	read, ok := builtins.ControlStructures.Get(name)
	if !ok {
		panic("jinja: no statement " + name)
	}
	return read
}

func ended(args *parser.Parser) error {
	if !args.End() {
		return args.Error("the end of the statement is expected", args.Current())
	}
	return nil
}

// A statement is what all have.
type statement struct{ token *tokens.Token }

func (s statement) Position() *tokens.Token { return s.token }
func (s statement) String() string          { return "statement" }

// A bodied statement has a body.
type bodied struct{ wrapper *nodes.Wrapper }

func (b *bodied) read(p, args *parser.Parser, end string) (err error) {
	if err = ended(args); err != nil {
		return err
	}
	b.wrapper, args, err = p.WrapUntil(end)
	if err != nil {
		return err
	}
	return ended(args)
}

type (
	setStatement struct {
		statement
		bodied
		target            nodes.Expression
		x, condition, alt nodes.Expression
	}
	withStatement struct {
		statement
		bodied
		names  []string
		values []nodes.Expression
	}
	filterStatement struct {
		statement
		bodied
		chain []*nodes.FilterCall
	}
	escapeStatement struct {
		statement
		bodied
		on bool
	}
	rawStatement struct {
		statement
		bodied
	}
	doStatement struct {
		statement
		x nodes.Expression
	}
	includeStatement struct {
		statement
		name     nodes.Expression
		optional bool
	}
	jumpStatement struct {
		statement
		to error
	}
)

func readSet(p, args *parser.Parser) (_ nodes.ControlStructure, err error) {
	s := &setStatement{statement: statement{p.Current()}}
	if s.target, err = args.ParseVariableOrLiteral(); err != nil {
		return nil, err
	}
	switch s.target.(type) {
	case *nodes.Name, *nodes.GetItem, *nodes.GetAttribute:
	default:
		return nil, args.Error("a name is expected", nil)
	}
	if args.Match(tokens.Assign) == nil {
		return s, s.read(p, args, "endset")
	}
	if s.x, err = args.ParseExpression(); err == nil {
		s.condition, s.alt, err = args.ParseCondition()
	}
	if err == nil && s.condition != nil && s.alt == nil {
		err = args.Error("else is expected", args.Current())
	}
	if err != nil {
		return nil, err
	}
	return s, ended(args)
}

func (r *renderer) statement(s nodes.ControlStructure) error {
	switch s := s.(type) {
	case *structures.IfControlStructure:
		return r.branch(s)
	case *structures.ForControlStructure:
		return r.loop(s)
	case *structures.MacroControlStructure:
		r.scope.Set(s.Name, r.macro(s.Macro))
	case *setStatement:
		return r.set(s)
	case *withStatement:
		sub := r.nest()
		for i, x := range s.values {
			v, err := r.eval(x)
			if err != nil {
				return err
			}
			sub.scope.Set(s.names[i], v)
		}
		return sub.body(s.wrapper)
	case *filterStatement:
		text, err := r.text(s.wrapper)
		v := exec.AsValue(text)
		for _, f := range s.chain {
			if err == nil {
				v, err = r.filter(f, v)
			}
		}
		if err == nil {
			_, err = r.out.WriteString(v.String())
		}
		return err
	case *escapeStatement:
		sub := r.nest()
		sub.escape = s.on
		return sub.body(s.wrapper)
	case *rawStatement:
		for _, n := range s.wrapper.Nodes {
			data, ok := n.(*nodes.Data)
			if !ok {
				return errors.New("raw holds more than text")
			}
			if _, err := r.out.WriteString(data.Data.Val); err != nil {
				return err
			}
		}
	case *doStatement:
		_, err := r.eval(s.x)
		return err
	case *includeStatement:
		name, err := r.eval(s.name)
		if err != nil {
			return err
		}
		t, err := r.files.template(name.String())
		switch {
		case errors.Is(err, errFiles), err != nil && !s.optional:
			return err
		case err != nil:
			return nil
		}
		return r.body(&nodes.Wrapper{Nodes: t.Root().Nodes})
	case *jumpStatement:
		return s.to
	default:
		return fmt.Errorf("the statement %T is not supported", s)
	}
	return nil
}

func (r *renderer) branch(s *structures.IfControlStructure) error {
	for i, c := range s.Conditions {
		v, err := r.eval(c)
		if err != nil {
			return err
		}
		if v.IsTrue() {
			return r.body(s.Wrappers[i])
		}
	}
	if len(s.Wrappers) > len(s.Conditions) {
		return r.body(s.Wrappers[len(s.Conditions)])
	}
	return nil
}

// loop is `for x in y` and `for key, value in y`.
func (r *renderer) loop(s *structures.ForControlStructure) error {
	over, err := r.eval(s.ObjectEvaluator)
	if err != nil {
		return err
	}
	var scopes []*renderer
	var items []*exec.Value
	over.Iterate(func(_, _ int, key, value *exec.Value) bool {
		if err = r.step(1); err != nil {
			return false
		}
		sub, item := r.nest(), key
		if s.Value != "" && !key.IsString() && key.Len() == 2 {
			item = key
			key.Iterate(func(i, _ int, part, _ *exec.Value) bool {
				sub.scope.Set([2]string{s.Key, s.Value}[i], part)
				return true
			}, func() {})
		} else if sub.scope.Set(s.Key, key); value != nil {
			sub.scope.Set(s.Value, value)
			item = exec.AsValue([2]*exec.Value{key, value})
		}
		if s.IfCondition != nil {
			var yes *exec.Value
			if yes, err = sub.eval(s.IfCondition); err != nil {
				return false
			}
			if !yes.IsTrue() {
				return true
			}
		}
		scopes, items = append(scopes, sub), append(items, item)
		return true
	}, func() {})
	if err != nil {
		return err
	}
	if len(scopes) == 0 && s.EmptyWrapper != nil {
		return r.nest().body(s.EmptyWrapper)
	}
	depth := 1
	if outer, ok := r.scope.Get("loop"); ok {
		if m, ok := outer.(map[string]any); ok {
			depth = m["depth"].(int) + 1
		}
	}
	var last *exec.Value
	for i, sub := range scopes {
		var before, after any
		if i > 0 {
			before = items[i-1]
		}
		if i+1 < len(items) {
			after = items[i+1]
		}
		n := len(scopes)
		sub.scope.Set("loop", map[string]any{"index": i + 1, "index0": i, "revindex": n - i, "revindex0": n - i - 1, "first": i == 0, "last": i+1 == n,
			"length": n, "depth": depth, "depth0": depth - 1, "previtem": before, "nextitem": after,
			"cycle": func(args *exec.VarArgs) *exec.Value {
				if len(args.Args) == 0 {
					return exec.AsValue("")
				}
				return args.Args[i%len(args.Args)]
			},
			"changed": func(args *exec.VarArgs) *exec.Value {
				now := exec.AsValue(exec.ValuesList(args.Args))
				changed := last == nil || !now.EqualValueTo(last)
				last = now
				return exec.AsValue(changed)
			}})
		switch err := sub.body(s.BodyWrapper); err {
		case nil, errContinue:
		case errBreak:
			return nil
		default:
			return err
		}
	}
	return nil
}

// macro is a function that writes a body with its arguments as names.
func (r *renderer) macro(m *nodes.Macro) exec.Macro {
	return func(args *exec.VarArgs) *exec.Value {
		fail := func(format string, args ...any) *exec.Value {
			return exec.AsValue(fmt.Errorf("macro "+m.Name+": "+format, args...))
		}
		sub := r.nest()
		known := map[string]bool{}
		rest := []any{}
		for i, a := range args.Args {
			switch {
			case i < len(m.Kwargs):
				name := m.Kwargs[i].Key.(*nodes.String).Val
				known[name] = true
				sub.scope.Set(name, a)
			case m.VarArgsName == "":
				return fail("%d arguments in the place of %d", len(args.Args), len(m.Kwargs))
			default:
				rest = append(rest, a)
			}
		}
		more := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(args.KwArgs)) {
			more[name] = args.KwArgs[name]
		}
		for _, p := range m.Kwargs {
			name := p.Key.(*nodes.String).Val
			v, given := args.KwArgs[name]
			delete(more, name)
			switch {
			case given && known[name]:
				return fail("the argument %s is given twice", name)
			case known[name]:
				continue
			case !given:
				var err error
				if v, err = r.eval(p.Value); err != nil {
					return exec.AsValue(err)
				}
			}
			sub.scope.Set(name, v)
		}
		if m.VarArgsName != "" {
			sub.scope.Set(m.VarArgsName, rest)
		}
		if m.KwArgsName != "" {
			sub.scope.Set(m.KwArgsName, more)
		} else if len(more) > 0 {
			return fail("no argument is called %s", slices.Sorted(maps.Keys(more))[0])
		}
		text, err := sub.text(m.Wrapper)
		if err != nil {
			return exec.AsValue(err)
		}
		return exec.AsSafeValue(text)
	}
}

func (r *renderer) set(s *setStatement) error {
	var v *exec.Value
	if s.wrapper != nil {
		text, err := r.text(s.wrapper)
		if err != nil {
			return err
		}
		v = exec.AsSafeValue(text)
	} else {
		var err error
		if v, err = r.choose(s.x, s.condition, s.alt); err != nil {
			return err
		}
	}
	var of nodes.Node
	var key *exec.Value
	switch t := s.target.(type) {
	case *nodes.Name:
		r.scope.Set(t.Name.Val, v)
		return nil
	case *nodes.GetAttribute:
		of, key = t.Node, exec.AsValue(t.Attribute)
	case *nodes.GetItem:
		var err error
		if key, err = r.eval(t.Arg); err != nil {
			return err
		}
		of = t.Node
	}
	target, err := r.eval(of)
	if err != nil {
		return err
	}
	if err := target.Set(key, v); err != nil {
		return err
	}
	_, err = r.made(target) // it may hold itself now
	return err
}

// A limited is a text of a bounded size.
type limited struct{ strings.Builder }

func (l *limited) Write(p []byte) (int, error) { return l.WriteString(string(p)) }

func (l *limited) WriteString(s string) (int, error) {
	if l.Len()+len(s) > MaxOutput {
		return 0, fmt.Errorf("the template makes more than %d MiB", MaxOutput>>20)
	}
	return l.Builder.WriteString(s)
}

// files are those that a template may include.
type files struct {
	Template
	count int
}

// errFiles is of a template that includes too many.
var errFiles = fmt.Errorf("more than %d files are included", maxFiles)

// template reads a file of the template, or the template itself. The library may
// panic on a bad one, or not end.
func (f *files) template(name string) (*exec.Template, error) {
	if f.count++; f.count > maxFiles {
		return nil, errFiles
	}
	type result struct {
		t   *exec.Template
		err error
	}
	done := make(chan result, 1)
	go func() {
		var out result
		defer func() {
			if r := recover(); r != nil {
				out.err = fmt.Errorf("%v", r)
			}
			done <- out
		}()
		out.t, out.err = exec.NewTemplate(name, config.New(), f, &exec.Environment{ControlStructures: statements()})
	}()
	select {
	case out := <-done:
		return out.t, out.err
	case <-time.After(templateTimeout):
		return nil, fmt.Errorf("reading the template takes more than %s", templateTimeout)
	}
}

func (f *files) Read(name string) (io.Reader, error) {
	text, err := f.Template.Read(name)
	if err != nil {
		return nil, err
	}
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("a template of more than %d KiB", maxTemplate>>10)
	}
	return bytes.NewReader(text), nil
}

func (f *files) Resolve(name string) (string, error) { return name, nil }

func (f *files) Inherit(string) (loaders.Loader, error) { return f, nil }
