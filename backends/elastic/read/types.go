package read

import (
	"math/bits"

	"sigmac/ir"
)

// types is a set of the types that Elasticsearch tells apart where it checks a
// query (TypeResolutions.java, DataTypes.java). NULL passes every check.
type types uint8

const (
	boolType types = 1 << iota
	textType
	integerType
	decimalType
	addressType
	dateType
	nullType // the literal, and a field that no index maps

	numberType = integerType | decimalType
	anyType    = boolType | textType | numberType | addressType | dateType
)

// A function of EQL: resolveType of its class in elastic/elasticsearch
// (eql/expression/function/scalar, ql/expression/predicate/operator/arithmetic).
type function struct {
	min, max int     // its arguments; -1: any number
	args     []types // what each takes; the last of these stands for all after it
	constant int     // the arguments from this one on are constants; 0: none
	result   types
	tilde    bool // it can ignore case
}

var functions = map[string]function{
	"add":            {min: 2, max: 2, args: []types{numberType}, result: numberType},
	"between":        {min: 3, max: 4, args: []types{textType, textType, textType, boolType}, result: textType, tilde: true},
	"cidrmatch":      {min: 2, max: -1, args: []types{addressType, textType}, constant: 1, result: boolType},
	"concat":         {min: 1, max: -1, args: []types{anyType}, result: textType},
	"divide":         {min: 2, max: 2, args: []types{numberType}, result: numberType},
	"endswith":       {min: 2, max: 2, args: []types{textType}, result: boolType, tilde: true},
	"indexof":        {min: 2, max: 3, args: []types{textType, textType, integerType}, result: integerType, tilde: true},
	"length":         {min: 1, max: 1, args: []types{textType}, result: integerType},
	"modulo":         {min: 2, max: 2, args: []types{numberType}, result: numberType},
	"multiply":       {min: 2, max: 2, args: []types{numberType}, result: numberType},
	"number":         {min: 1, max: 2, args: []types{textType, integerType}, result: numberType},
	"startswith":     {min: 2, max: 2, args: []types{textType}, result: boolType, tilde: true},
	"string":         {min: 1, max: 1, args: []types{anyType}, result: textType},
	"stringcontains": {min: 2, max: 2, args: []types{textType}, result: boolType, tilde: true},
	"substring":      {min: 2, max: 3, args: []types{textType, integerType, integerType}, result: textType},
	"subtract":       {min: 2, max: 2, args: []types{numberType}, result: numberType},
}

// written is the name of a function as the reference has it.
func written(op string) string {
	switch op {
	case "cidrmatch":
		return "cidrMatch"
	case "endswith":
		return "endsWith"
	case "indexof":
		return "indexOf"
	case "startswith":
		return "startsWith"
	case "stringcontains":
		return "stringContains"
	}
	return op
}

// gone are functions that servers no longer have, with what stands for them
// (pull requests 63275 and 76099).
var gone = map[string]string{
	"match":    "servers have no function match since version 7.10: write `regex`",
	"wildcard": "servers have no function wildcard since version 8.0: write `like`",
}

// takes is what the i-th argument may be.
func (f function) takes(i int) types { return f.args[min(i, len(f.args)-1)] }

var valueTypes = [...]types{nullValue: nullType, boolValue: boolType, stringValue: textType, integerValue: integerType, decimalValue: decimalType}

// typesOf is the types that a field may have.
func typesOf(t ir.Type) types {
	switch t {
	case ir.Text, ir.Dynamic, ir.JSON:
		return textType
	case ir.Numeric:
		return numberType
	case ir.Boolean:
		return boolType
	case ir.Address:
		return addressType
	case ir.Date:
		return dateType
	case ir.Other:
		return 0
	}
	return anyType
}

// types is what n may be. Without a mapping a field may be anything.
func (m mapping) types(n *node) types {
	switch n.kind {
	case valueNode:
		return valueTypes[n.value.kind]
	case fieldNode:
		switch {
		case m == nil:
			return anyType | nullType
		case !m[n.field].mapped:
			return nullType
		}
		return typesOf(m[n.field].Type)
	case callNode:
		return functions[n.op].result
	case arithNode:
		return numberType
	}
	return boolType
}

// check refuses what a server's verifier does: an argument of another type, a
// field where a constant must stand.
func (m mapping) check(n *node) {
	for _, a := range n.args {
		m.check(a)
	}
	need := func(a *node, want types, by string) {
		if m.types(a)&(want|nullType) == 0 {
			refuse(a.pos, "`%s` does not take %s", by, m.describe(a))
		}
	}
	switch n.kind {
	case callNode:
		f := functions[n.op]
		for i, a := range n.args {
			if f.constant > 0 && i >= f.constant && len(a.uses()) > 0 {
				refuse(a.pos, "`%s` needs a constant here", written(n.op))
			}
			need(a, f.takes(i), written(n.op))
		}
	case arithNode:
		for i, a := range n.args {
			need(a, numberType, n.ops[max(i-1, 0)])
		}
	case testNode:
		want, textual := textType, n.op != "in" || n.tilde
		first := m.types(n.args[1])
		if !textual {
			want = first
			if want&numberType != 0 {
				want = numberType
			}
		}
		for _, c := range n.args[1:] {
			switch t := m.types(c); {
			case len(c.uses()) > 0:
				refuse(c.pos, "a list holds constants only")
			case t == nullType:
				refuse(c.pos, "`%s` does not look for null", n.op)
			case textual && t != textType:
				refuse(c.pos, "`%s` looks for texts only", n.op)
			case !compatible(t, first):
				refuse(c.pos, "a list of several types")
			case n.op == "regex" && c.kind == valueNode:
				luceneTest(c.value.text, n.tilde, c.pos) // for its errors
			}
		}
		need(n.args[0], want, n.op)
	}
}

// describe names what n is, in an error.
func (m mapping) describe(n *node) string {
	if n.kind == fieldNode {
		return "a field of type " + m[n.field].Type.String()
	}
	t := m.types(n)
	if t&numberType != 0 {
		return "a number"
	}
	return [...]string{"a boolean", "a text", "", "", "an address", "a date", "null"}[bits.TrailingZeros8(uint8(t))]
}

// compatible says whether events can be joined by keys of both types
// (DataTypes.areCompatible).
func compatible(a, b types) bool {
	return a&b != 0 || (a|b)&nullType != 0 || a&numberType != 0 && b&numberType != 0
}
