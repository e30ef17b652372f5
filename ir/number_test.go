package ir

import "testing"

func TestIsLong(t *testing.T) {
	for _, n := range []Number{"0", "-1", "4688", "1.5", "-0.5", "9223372036854775806", "9223372036854775807", "-9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "10000000000000000000", "99999999999999999999999"} {
		_, fraction := map[Number]bool{"1.5": true, "-0.5": true}[n]
		want := !fraction && n.Cmp("9223372036854775807") <= 0 && n.Cmp("-9223372036854775807") >= 0
		if n.IsLong() != want {
			t.Errorf("%s: %v", n, !want)
		}
	}
}
