package ir

import (
	"math/big"
	"strconv"
	"strings"
)

// A Number is an exact decimal number in canonical form: no exponent, no
// leading zeros, no trailing zeros after the point, no `-0`.
type Number string

// maxDigits bounds a number's digits and exponent: a rule from a stranger may
// say 1e999999999.
const maxDigits = 400

// ParseNumber reads a decimal number, `-12.50` or `1.5e3`; ok is false for any
// other text and for a number of more than 400 digits.
func ParseNumber(s string) (n Number, ok bool) {
	mantissa, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > maxDigits || e < -maxDigits {
			return "", false
		}
		mantissa, exp = s[:i], e
	}
	sign := ""
	switch {
	case strings.HasPrefix(mantissa, "-"):
		sign, mantissa = "-", mantissa[1:]
	case strings.HasPrefix(mantissa, "+"):
		mantissa = mantissa[1:]
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if whole+frac == "" || len(whole)+len(frac) > maxDigits || strings.Trim(whole+frac, "0123456789") != "" {
		return "", false
	}
	for ; exp > 0; exp-- {
		if frac == "" {
			frac = "0"
		}
		whole, frac = whole+frac[:1], frac[1:]
	}
	for ; exp < 0; exp++ {
		if whole == "" {
			whole = "0"
		}
		whole, frac = whole[:len(whole)-1], whole[len(whole)-1:]+frac
	}
	whole, frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	if whole == "0" {
		return "0", true
	}
	return Number(sign + whole), true
}

// Cmp is -1, 0 or 1 as n is less than, equal to or greater than m.
func (n Number) Cmp(m Number) int { return n.rat().Cmp(m.rat()) }

// IsLong says whether n is a whole number that a signed integer of 64 bits holds, and its negation
// too.
func (n Number) IsLong() bool {
	digits := strings.TrimPrefix(string(n), "-")
	const most = "9223372036854775807"
	return !strings.Contains(digits, ".") && (len(digits) < len(most) || len(digits) == len(most) && digits <= most)
}

func (n Number) rat() *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		panic("ir: not a number: " + string(n))
	}
	return r
}

// Holds says whether `a op b`.
func (o Op) Holds(a, b Number) bool { return o.Fits(a.Cmp(b)) }

// Fits says whether `a op b` where c is -1, 0 or 1 as a is less than, equal to or greater than b.
func (o Op) Fits(c int) bool {
	switch o {
	case Eq:
		return c == 0
	case Lt:
		return c < 0
	case Lte:
		return c <= 0
	case Gt:
		return c > 0
	default:
		return c >= 0
	}
}

// Plus is n + d.
func (n Number) Plus(d int64) Number {
	return numberOf(new(big.Rat).Add(n.rat(), big.NewRat(d, 1)))
}

// Middle is the number halfway between n and m.
func (n Number) Middle(m Number) Number {
	sum := new(big.Rat).Add(n.rat(), m.rat())
	return numberOf(sum.Quo(sum, big.NewRat(2, 1)))
}

func numberOf(r *big.Rat) Number {
	digits, _ := r.FloatPrec()
	n, ok := ParseNumber(r.FloatString(digits))
	if !ok {
		return "0" // longer than any number of a rule: one of them will do
	}
	return n
}
