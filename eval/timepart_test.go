package eval

import (
	"fmt"
	"math/rand"
	"testing"

	"sigmac/ir"
)

// A part of a date that is a text means what its regular expression does.
func TestTimePartRe(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	pick := func(from ...string) string { return from[r.Intn(len(from))] }
	two := func() string { return fmt.Sprintf("%02d", r.Intn(66)-1) }
	dates := func() string {
		s := pick("2024", "0000", "9999", fmt.Sprintf("%04d", r.Intn(10000)), "24") + "-" + pick("05", "12", "13", "00", two()) + "-" + pick("06", "31", "32", "00", two())
		if r.Intn(4) == 0 {
			return s
		}
		s += pick("T", " ", "t", "") + pick("07", "22", "24", two()) + ":" + pick("08", "59", "60", two())
		if r.Intn(3) > 0 {
			s += ":" + pick("09", "60", two()) + pick("", ".5", ",123456", ".")
		}
		return s + pick("", "Z", " Z", "+02:00", "-0530", "+25:00", "z", "\n", "  Z")
	}
	parts := map[string]int{"minute": 60, "hour": 24, "day": 32, "month": 13, "year": 10001}
	yes, no := 0, 0
	for part, most := range parts {
		for op := ir.Eq; op <= ir.Gte; op++ {
			for range 20 {
				n, ok := ir.ParseNumber(fmt.Sprint(r.Intn(most+2) - 1))
				if !ok {
					t.Fatal("no number")
				}
				test := ir.TimePart{Part: part, Op: op, Number: n}
				re := test.Re()
				for range 25 {
					s := dates()
					is, matches := passes(test, s, Event{}), re != nil && passes(ir.Regexp{Re: re, Source: "x"}, s, Event{})
					if is != matches {
						t.Fatalf("%s of %q: %v, its expression %v", test, s, is, matches)
					}
					if is {
						yes++
					} else {
						no++
					}
				}
			}
		}
	}
	if yes < 150 || no < 2000 {
		t.Errorf("only %d pass and %d do not", yes, no)
	}
}
