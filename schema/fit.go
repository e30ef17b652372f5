package schema

import (
	"net/netip"
	"strconv"
	"strings"

	"sigmac/ir"
	"sigmac/regex"
)

// A verdict says how a test stands to a type.
type verdict uint8

const (
	fits  verdict = iota
	never         // no value of the type passes
	unfit         // the type has no such test
)

// fit is t as a test of values of a type that means the same of all of them;
// nil is t itself.
func fit(typ ir.Type, t ir.Test) (ir.Test, verdict) {
	switch t.(type) {
	case ir.Null, ir.Exists, ir.FieldRef:
		return nil, fits
	case ir.TimePart:
		if typ != ir.Date && !typ.IsText() {
			return nil, unfit
		}
		return nil, fits
	}
	if p, ok := t.(ir.Pattern); ok {
		if p.Has(ir.Placeholder) {
			return nil, fits // refused later, by its name
		}
		if shape, _ := p.Shape(); shape == ir.Any {
			return nil, fits
		}
	}
	switch typ {
	case ir.Numeric:
		return fitNumber(t)
	case ir.Boolean:
		return fitBoolean(t)
	case ir.Address:
		return fitAddress(t)
	case ir.Date:
		return nil, unfit
	}
	return nil, fits
}

// fitNumber takes a text that is the decimal text of a number for the number.
func fitNumber(t ir.Test) (ir.Test, verdict) {
	switch t := t.(type) {
	case ir.Pattern:
		shape, s := t.Shape()
		if shape != ir.Exact {
			return nil, fits // of the number's decimal text
		}
		if n, ok := ir.ParseNumber(s); ok && string(n) == s {
			return ir.Compare{Op: ir.Eq, Number: n}, fits
		}
		return nil, never
	case ir.Bool, ir.CIDR:
		return nil, never
	}
	return nil, fits
}

// fitBoolean asks a text which of the two names it matches.
func fitBoolean(t ir.Test) (ir.Test, verdict) {
	switch t := t.(type) {
	case ir.Pattern:
		shape, s := t.Shape()
		if shape != ir.Exact {
			return nil, unfit
		}
		for _, b := range []bool{false, true} {
			if name := strconv.FormatBool(b); s == name || !t.Cased && regex.Fold(s) == regex.Fold(name) {
				return ir.Bool{Value: b}, fits
			}
		}
		return nil, never
	case ir.Compare, ir.CIDR:
		return nil, never
	case ir.Regexp:
		return nil, unfit
	}
	return nil, fits
}

// fitAddress takes a text that is an address, or the beginning of all addresses
// of a network, for the network. Addresses are in their canonical text.
func fitAddress(t ir.Test) (ir.Test, verdict) {
	switch t := t.(type) {
	case ir.Pattern:
		shape, s := t.Shape()
		switch shape {
		case ir.Exact:
			a, err := netip.ParseAddr(s)
			switch {
			case err != nil:
				return nil, never
			case a.String() != s && (t.Cased || !strings.EqualFold(a.String(), s)), a.Is4In6(), a.Zone() != "":
				return nil, unfit // which of its texts is meant is open
			}
			return ir.CIDR{Net: netip.PrefixFrom(a, a.BitLen())}, fits
		case ir.Prefix:
			if n, ok := networkOf(s); ok && !(t.Cased && strings.ToLower(s) != s) {
				return ir.CIDR{Net: n}, fits
			}
		}
		return nil, unfit
	case ir.Regexp:
		return nil, unfit
	case ir.Compare, ir.Bool:
		return nil, never
	}
	return nil, fits
}

// networkOf is the network of the addresses whose texts start with s: whole
// numbers between dots, or groups that are not zero between colons.
func networkOf(s string) (netip.Prefix, bool) {
	if rest, ok := strings.CutSuffix(s, "."); ok {
		parts := strings.Split(rest, ".")
		if len(parts) > 3 {
			return netip.Prefix{}, false
		}
		a, err := netip.ParseAddr(rest + strings.Repeat(".0", 4-len(parts)))
		return netip.PrefixFrom(a, 8*len(parts)), err == nil && a.Is4()
	}
	if rest, ok := strings.CutSuffix(s, ":"); ok {
		parts := strings.Split(rest, ":")
		if len(parts) > 6 {
			return netip.Prefix{}, false
		}
		for _, p := range parts {
			if p == "" || p[0] == '0' || strings.Contains(p, ".") {
				return netip.Prefix{}, false
			}
		}
		a, err := netip.ParseAddr(rest + "::")
		return netip.PrefixFrom(a, 16*len(parts)), err == nil && a.Is6()
	}
	return netip.Prefix{}, false
}
