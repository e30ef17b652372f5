package read

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sigmac/internal/lazy"
)

// addressFunctions adds the functions on addresses. An address may have a prefix
// behind a slash; what is none makes them null.
func addressFunctions(all map[string]function) {
	add := func(name string, least, most int, do func([]any) any) {
		all[name] = takes(least, most, do).whole()
	}
	for _, v := range []struct {
		name string
		six  bool
	}{{"ipv4", false}, {"ipv6", true}} {
		add(v.name+"_compare", 2, 3, func(a []any) any { return compareAddresses(a, v.six) })
		add(v.name+"_is_match", 2, 3, func(a []any) any {
			order, ok := compareAddresses(a, v.six).(int64)
			if !ok {
				return compareAddresses(a, v.six)
			}
			return order == 0
		})
		add(v.name+"_is_in_range", 2, 2, func(a []any) any { return inRange(a[0], a[1], v.six) })
		add(v.name+"_is_in_any_range", 2, -1, func(a []any) any {
			var is []any
			for _, nets := range a[1:] {
				list, ok := listOf(nets)
				if !ok {
					list = []any{nets}
				}
				for _, net := range list {
					is = append(is, inRange(a[0], plain(dynamicOf(plain(net))), v.six))
				}
			}
			return connect(is, true)
		})
	}
	add("ipv4_is_private", 1, 1, func(a []any) any {
		p, ok := parseNet(a[0], false)
		if !ok {
			return noAddress(a[0])
		}
		for _, net := range privateNets {
			private := netip.MustParsePrefix(net.text)
			if in := private.Contains(p.Addr()); in && p.Bits() < private.Bits() || !in && p.Contains(private.Addr()) {
				return unknown{} // a part of the network is private
			} else if in {
				return true
			}
		}
		return false
	})
	add("ipv4_netmask_suffix", 1, 1, func(a []any) any {
		p, ok := parseNet(a[0], false)
		if !ok {
			return noAddress(a[0])
		}
		return int64(p.Bits())
	})
	add("parse_ipv4", 1, 1, func(a []any) any { return addressNumber(a[0], 32) })
	add("parse_ipv4_mask", 2, 2, func(a []any) any { return addressNumber(a[0], a[1]) })
	add("format_ipv4", 1, 2, func(a []any) any { return formatAddress(a, false) })
	add("format_ipv4_mask", 1, 2, func(a []any) any { return formatAddress(a, true) })
	add("parse_ipv6", 1, 1, func(a []any) any { return fullAddress(a[0], int64(128)) })
	add("parse_ipv6_mask", 2, 2, func(a []any) any { return fullAddress(a[0], a[1]) })
	for name, prefix := range map[string]bool{"has_ipv4": false, "has_ipv4_prefix": true} {
		add(name, 2, 2, func(a []any) any { return hasAddress(a[0], a[1], prefix) })
		add(strings.Replace(name, "has_", "has_any_", 1), 2, -1, func(a []any) any {
			var is []any
			for _, v := range a[1:] {
				list, ok := listOf(v)
				if !ok {
					list = []any{v}
				}
				for _, x := range list {
					is = append(is, hasAddress(a[0], plain(dynamicOf(plain(x))), prefix))
				}
			}
			return connect(is, true)
		})
	}
}

// noAddress is the answer for what is no address: null of a text or null.
func noAddress(v any) any {
	if s, ok := plain(v).(string); ok && !strings.ContainsAny(s, "0123456789:") || plain(v) == nil {
		return nil
	}
	if s, ok := plain(v).(string); ok && netText().MatchString(s) {
		return nil // a number above 255, or a prefix above 32
	}
	return unknown{}
}

var netText = lazy.Regexp(`^[0-9]+(\.[0-9]+){3}(/[0-9]+)?$`)

// parseNet reads an address with or without a prefix. IPv4 counts among IPv6 as
// `::ffff:a.b.c.d`, and so does `::a.b.c.d` (page "ipv6_compare").
func parseNet(v any, six bool) (netip.Prefix, bool) {
	s, ok := plain(v).(string)
	text, mask, masked := strings.Cut(s, "/")
	four := !strings.Contains(text, ":")
	if dotted, ok := strings.CutPrefix(text, "::"); ok && six && netText().MatchString(dotted) {
		text, four = dotted, true
	}
	a, err := netip.ParseAddr(text)
	if !ok || err != nil || a.Zone() != "" || !six && !a.Is4() {
		return netip.Prefix{}, false
	}
	bits := a.BitLen()
	if masked {
		if bits, err = strconv.Atoi(mask); err != nil || bits < 0 || bits > a.BitLen() || len(mask) > 3 {
			return netip.Prefix{}, false
		}
	}
	if six {
		if a = netip.AddrFrom16(a.As16()); four {
			bits += 96
		}
	}
	return netip.PrefixFrom(a, bits), true
}

// compareAddresses orders two addresses under the shortest of their prefixes and the
// one that is given.
func compareAddresses(a []any, six bool) any {
	p, ok := parseNet(a[0], six)
	q, ok2 := parseNet(a[1], six)
	switch {
	case !ok:
		return noAddress(a[0])
	case !ok2:
		return noAddress(a[1])
	}
	bits := min(p.Bits(), q.Bits())
	if len(a) > 2 {
		n, ok := integer(a[2])
		if !ok || n < 0 || int(n) > p.Addr().BitLen() {
			return unknown{}
		}
		bits = min(bits, int(n))
	}
	return int64(masked(p, bits).Compare(masked(q, bits)))
}

func masked(p netip.Prefix, bits int) netip.Addr {
	return netip.PrefixFrom(p.Addr(), bits).Masked().Addr()
}

// inRange says whether an address without a prefix is in a network.
func inRange(v, net any, six bool) any {
	p, ok := parseNet(v, six)
	q, ok2 := parseNet(net, six)
	switch {
	case !ok:
		return noAddress(v)
	case !ok2:
		return noAddress(net)
	case strings.Contains(plain(v).(string), "/"):
		return unknown{}
	}
	return masked(p, q.Bits()) == masked(q, q.Bits())
}

func withMask(v, mask any) (netip.Prefix, bool) {
	p, ok := parseNet(v, false)
	n, ok2 := integer(mask)
	if !ok || !ok2 || n < 0 || n > 32 {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(p.Addr(), min(p.Bits(), int(n))).Masked(), true
}

func addressNumber(v any, mask any) any {
	if n, ok := mask.(int); ok {
		mask = int64(n)
	}
	p, ok := withMask(v, mask)
	if !ok {
		return noAddress(v)
	}
	n := int64(0)
	for _, b := range p.Addr().As4() {
		n = n<<8 | int64(b)
	}
	return n
}

// formatAddress writes an address under a mask, and nothing for what is none.
func formatAddress(a []any, behind bool) any {
	mask := any(int64(32))
	if len(a) > 1 {
		mask = a[1]
	}
	p, ok := withMask(a[0], mask)
	if _, number := integer(mask); !ok {
		if _, address := parseNet(a[0], false); address && number || noAddress(a[0]) == nil {
			return ""
		}
		return unknown{}
	}
	if behind {
		return p.String()
	}
	return p.Addr().String()
}

// fullAddress writes an IPv6 address with all its digits.
func fullAddress(v, mask any) any {
	p, ok := parseNet(v, true)
	n, ok2 := integer(mask)
	if !ok || !ok2 || n < 0 || n > 128 {
		return unknown{}
	}
	b := masked(p, min(p.Bits(), int(n))).As16()
	var parts []string
	for i := 0; i < 16; i += 2 {
		parts = append(parts, fmt.Sprintf("%02x%02x", b[i], b[i+1]))
	}
	return strings.Join(parts, ":")
}

var (
	addressInText = lazy.Regexp(`[0-9]+(?:\.[0-9]+){3}`)
	addressPrefix = lazy.Regexp(`^[0-9]{1,3}\.(?:[0-9]{1,3}\.){0,2}$`)
)

// hasAddress says whether a text has an IPv4 address, or one that begins so, with
// neither a letter nor a digit beside it. A prefix ends in a dot, or is an address.
func hasAddress(v, want any, prefix bool) any {
	s, ok := plain(v).(string)
	w, ok2 := plain(want).(string)
	if !ok || !ok2 {
		return unknown{}
	}
	_, err := netip.ParseAddr(w)
	if whole := err == nil && netText().MatchString(w); !whole && (!prefix || !addressPrefix().MatchString(w)) {
		return false
	}
	for _, m := range addressInText().FindAllStringIndex(s, -1) {
		found := s[m[0]:m[1]]
		before, after := s[:m[0]], s[m[1]:]
		if a, err := netip.ParseAddr(found); err != nil || !a.Is4() || found != w && !(prefix && strings.HasPrefix(found, w)) {
			continue
		}
		beside := []rune{' ', ' '}
		if before != "" {
			r := []rune(before)
			beside[0] = r[len(r)-1]
		}
		if after != "" {
			beside[1] = []rune(after)[0]
		}
		switch {
		case slices.ContainsFunc(beside, func(r rune) bool { return r == '.' || r > 0x7f || r == '_' }):
			return unknown{} // a longer dotted text, or a sign that may be a letter
		case !slices.ContainsFunc(beside, func(r rune) bool { return lowerASCII(r) >= 'a' && lowerASCII(r) <= 'z' || r >= '0' && r <= '9' }):
			return true
		}
	}
	return false
}
