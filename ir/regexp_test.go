package ir

import (
	"fmt"
	"net/netip"
	"regexp"
	"testing"

	"sigmac/regex"
)

func compiled(t *testing.T, re *regex.Re) *regexp.Regexp {
	t.Helper()
	s, err := re.Go()
	if err != nil {
		t.Fatal(err)
	}
	r, err := regexp.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPatternRe(t *testing.T) {
	p := NewPattern(false, Part{Kind: AnyRun}, Part{Literal, `a.`}, Part{Kind: AnyOne})
	r := compiled(t, PatternRe(p))
	for s, want := range map[string]bool{"xA.\n": true, "a.b": true, "a.": false, "aab": false, "a.bc": false} {
		if r.MatchString(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
	p.Cased = true
	if compiled(t, PatternRe(p)).MatchString("A.b") {
		t.Error("cased matches")
	}
}

func TestCIDRRe(t *testing.T) {
	if _, ok := CIDRRe(netip.MustParsePrefix("fe80::/10")); ok {
		t.Error("IPv6")
	}
	for bits := 0; bits <= 32; bits++ {
		net := netip.PrefixFrom(netip.MustParseAddr("172.93.161.77"), bits)
		re, _ := CIDRRe(net)
		r := compiled(t, re)
		for i := range 4 {
			for o := range 256 {
				a := [4]byte{172, 93, 161, 77}
				a[i] = byte(o)
				for _, last := range []byte{a[3], 0, 255} {
					a[3] = last
					addr := netip.AddrFrom4(a)
					if r.MatchString(addr.String()) != net.Contains(addr) {
						t.Fatalf("%v: %v: %v", net, addr, r)
					}
				}
			}
		}
		for _, s := range []string{"172.93.161.077", "172.93.161.256", "172.93.161", "172.93.161.77\n", "::ffff:172.93.161.77"} {
			if r.MatchString(s) {
				t.Errorf("%v: %q", net, s)
			}
		}
	}
	for lo := range 256 {
		for hi := lo; hi < 256; hi += 7 {
			r := compiled(t, regex.Concat(&regex.Re{Op: regex.OpBeginText}, decimals(lo, hi), &regex.Re{Op: regex.OpEndText}))
			for n := range 260 {
				if r.MatchString(fmt.Sprint(n)) != (lo <= n && n <= hi) {
					t.Fatalf("%d-%d: %d: %v", lo, hi, n, r)
				}
			}
		}
	}
}

func TestTestsAsRegexps(t *testing.T) {
	p := NewPattern(false, Part{Kind: AnyRun}, Part{Kind: Literal, Text: `\x.`}, Part{Kind: AnyOne})
	if got := regex.Print(PatternRe(p), regex.PCRE); got != `(?is)\x5Cx\..\z` {
		t.Error(got)
	}
	for net, want := range map[string]string{
		"10.0.0.0/8":   `\A10(?:\.(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])){3}\z`,
		"10.1.2.16/28": `\A10\.1\.2\.(?:1[6-9]|2[0-9]|3[01])\z`,
		"10.1.2.3/32":  `\A10\.1\.2\.3\z`,
	} {
		re, _ := CIDRRe(netip.MustParsePrefix(net))
		if got := regex.Print(re, regex.Rust); got != want {
			t.Errorf("%s:\n got %s\nwant %s", net, got, want)
		}
	}
}
