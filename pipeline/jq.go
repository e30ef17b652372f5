package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/itchyny/gojq"
)

// A jqQuery is an expression of jq that picks values from a document. It may do
// what that needs: nothing that runs on, looks outside, or makes much of little;
// and what flows through it is counted.
type jqQuery struct{ query *gojq.Query }

// The limits of an expression. maxJQText bounds a text that it puts between
// others. jqTimeout is for what no step counts.
const (
	maxJQSource = 10_000
	maxJQText   = 100
	jqTimeout   = 10 * time.Second
)

// maxJQ bounds the bytes of all values that flow through an expression, with some
// for each part of a list. Tests change it.
var maxJQ = 512 << 20

// jqFunctions are those that an expression may call, with the number of their
// arguments.
var jqFunctions = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for _, f := range strings.Fields(`add/0 all/0 all/1 any/0 any/1 arrays/0 ascii_downcase/0 ascii_upcase/0 booleans/0 contains/1 empty/0
		endswith/1 first/0 first/1 flatten/0 floor/0 from_entries/0 fromjson/0 group_by/1 has/1 in/1 inside/1 iterables/0 join/1
		keys/0 last/0 length/0 limit/2 ltrimstr/1 ltrim/0 map/1 max/0 max_by/1 min/0 min_by/1 not/0 nulls/0 numbers/0 objects/0 recurse/0
		reverse/0 rtrimstr/1 rtrim/0 scalars/0 select/1 sort/0 sort_by/1 split/1 startswith/1 strings/0 test/1 test/2 to_entries/0
		tojson/0 tonumber/0 tostring/0 trim/0 type/0 unique/0 unique_by/1 values/0`) {
		known[f] = true
	}
	return known
})

// The functions that count: a value, or only that something is done.
const (
	jqFlows = "sigmac_flows"
	jqTick  = "sigmac_tick"
)

func readJQ(source string) (*jqQuery, error) {
	if len(source) > maxJQSource {
		return nil, fmt.Errorf("longer than %d bytes", maxJQSource)
	}
	q, err := gojq.Parse(source)
	if err != nil {
		return nil, err
	}
	c := &jqCounting{}
	x := &jqQuery{c.query(q, jqFlows)}
	if c.err != nil {
		return nil, c.err
	}
	_, err = x.compile(func(v any, _ bool) any { return v })
	return x, err
}

func (x *jqQuery) compile(count func(v any, flows bool) any) (*gojq.Code, error) {
	return gojq.Compile(x.query,
		gojq.WithFunction(jqFlows, 0, 0, func(v any, _ []any) any { return count(v, true) }),
		gojq.WithFunction(jqTick, 0, 0, func(v any, _ []any) any { return count(v, false) }))
}

// values are what the expression gives of a document, texts and numbers.
func (x *jqQuery) values(v any) (out []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), jqTimeout)
	defer cancel()
	left := maxJQ
	code, err := x.compile(func(v any, flows bool) any {
		if left -= jqPart; flows {
			left -= jqSize(v, left)
		}
		if left < 0 {
			cancel() // an error alone could be caught
			return fmt.Errorf("too much")
		}
		return v
	})
	if err != nil {
		return nil, err
	}
	for it := code.RunWithContext(ctx, v); ; {
		v, ok := it.Next()
		if left < 0 {
			return nil, fmt.Errorf("more than %d MiB flow through the jq expression", maxJQ>>20)
		}
		if !ok {
			return out, nil
		}
		switch v := v.(type) {
		case error:
			return nil, v
		case string:
			out = append(out, v)
		case nil, []any, map[string]any:
			return nil, fmt.Errorf("the jq expression gives %s, not a text or a number", gojq.TypeOf(v))
		default:
			out = append(out, fmt.Sprint(v))
		}
		if len(out) > maxLeaves {
			return nil, fmt.Errorf("more than %d values", maxLeaves)
		}
	}
}

// jqPart is what a value counts beside its text.
const jqPart = 64

// jqSize is the size of a value, or more than most.
func jqSize(v any, most int) int {
	size := jqPart
	switch v := v.(type) {
	case string:
		size += len(v)
	case json.Number:
		size += len(v)
	case *big.Int:
		size += v.BitLen() / 8
	case []any:
		for _, x := range v {
			if size <= most {
				size += jqSize(x, most-size)
			}
		}
	case map[string]any:
		for k, x := range v {
			if size <= most {
				size += len(k) + jqSize(x, most-size)
			}
		}
	}
	return size
}

// jqCounting puts functions that count into an expression, and refuses what cannot
// be bounded so.
type jqCounting struct{ err error }

func (c *jqCounting) refuse(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format+" is not supported here", args...)
	}
}

func pipe(a, b *gojq.Query) *gojq.Query { return &gojq.Query{Left: a, Op: gojq.OpPipe, Right: b} }

func call(name string) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name}}}
}

// query is q with its results counted, or nil of nil.
func (c *jqCounting) query(q *gojq.Query, count string) *gojq.Query {
	if q == nil {
		return nil
	}
	if q.Meta != nil || len(q.Imports) > 0 {
		c.refuse("a module")
	}
	if len(q.FuncDefs) > 0 {
		c.refuse("a definition")
	}
	out := *q
	switch {
	case q.Term != nil:
		out.Term = c.term(q.Term)
	case q.Op == gojq.OpPipe && len(q.Patterns) > 0:
		for _, p := range q.Patterns {
			c.pattern(p)
		}
		// What is bound is what flows here; the rest gets the value that was there.
		out.Left, out.Right = c.query(q.Left, jqFlows), pipe(call(jqTick), c.query(q.Right, jqTick))
	case q.Op == gojq.OpMul || q.Op >= gojq.OpAssign:
		c.refuse("the operator %s", q.Op)
	default:
		out.Left, out.Right = c.query(q.Left, jqFlows), c.query(q.Right, jqFlows)
	}
	return pipe(&out, call(count))
}

func (c *jqCounting) pattern(p *gojq.Pattern) {
	if len(p.Object) > 0 {
		c.refuse("a pattern of an object")
	}
	for _, x := range p.Array {
		c.pattern(x)
	}
}

func (c *jqCounting) term(t *gojq.Term) *gojq.Term {
	out := *t
	sub := func(q *gojq.Query) *gojq.Query { return c.query(q, jqFlows) }
	switch t.Type {
	case gojq.TermTypeReduce, gojq.TermTypeForeach, gojq.TermTypeLabel, gojq.TermTypeBreak:
		c.refuse("a loop")
	case gojq.TermTypeFunc:
		out.Func = c.function(t.Func)
	}
	if t.Index != nil {
		out.Index = c.index(t.Index)
	}
	if t.Object != nil {
		out.Object = &gojq.Object{}
		for _, kv := range t.Object.KeyVals {
			x := *kv
			x.KeyString, x.KeyQuery, x.Val = c.text(kv.KeyString), sub(kv.KeyQuery), sub(kv.Val)
			out.Object.KeyVals = append(out.Object.KeyVals, &x)
		}
	}
	if t.Array != nil {
		out.Array = &gojq.Array{Query: sub(t.Array.Query)}
	}
	if t.Unary != nil {
		out.Unary = &gojq.Unary{Op: t.Unary.Op, Term: c.term(t.Unary.Term)}
	}
	out.Str = c.text(t.Str)
	if t.If != nil {
		x := &gojq.If{Cond: sub(t.If.Cond), Then: sub(t.If.Then), Else: sub(t.If.Else)}
		for _, e := range t.If.Elif {
			x.Elif = append(x.Elif, &gojq.IfElif{Cond: sub(e.Cond), Then: sub(e.Then)})
		}
		out.If = x
	}
	if t.Try != nil {
		out.Try = &gojq.Try{Body: sub(t.Try.Body), Catch: sub(t.Try.Catch)}
	}
	if t.Query != nil {
		out.Query = sub(t.Query)
	}
	out.SuffixList = nil
	for _, s := range t.SuffixList {
		x := *s
		if s.Index != nil {
			x.Index = c.index(s.Index)
		}
		out.SuffixList = append(out.SuffixList, &x)
	}
	return &out
}

func (c *jqCounting) index(x *gojq.Index) *gojq.Index {
	out := *x
	out.Str, out.Start, out.End = c.text(x.Str), c.query(x.Start, jqFlows), c.query(x.End, jqFlows)
	return &out
}

func (c *jqCounting) text(s *gojq.String) *gojq.String {
	if s == nil {
		return nil
	}
	out := *s
	out.Queries = nil
	for _, q := range s.Queries { // each a text, or an expression in parentheses
		out.Queries = append(out.Queries, &gojq.Query{Term: c.term(q.Term)})
	}
	return &out
}

func (c *jqCounting) function(f *gojq.Func) *gojq.Func {
	if strings.HasPrefix(f.Name, "$") && f.Name != "$ENV" && f.Name != "$__loc__" && f.Name != "$__prog_args" {
		return f // a variable
	}
	if !jqFunctions()[fmt.Sprintf("%s/%d", f.Name, len(f.Args))] {
		c.refuse("the function %s of %d arguments", f.Name, len(f.Args))
	}
	out := &gojq.Func{Name: f.Name}
	for _, a := range f.Args {
		if t := a.Term; f.Name == "join" && (t == nil || t.Str == nil || len(t.Str.Queries) > 0 || len(t.SuffixList) > 0 || len(t.Str.Str) > maxJQText) {
			c.refuse("join with another text than a short one in quotes")
		}
		out.Args = append(out.Args, c.query(a, jqFlows))
	}
	return out
}
