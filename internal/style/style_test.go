package style

import "testing"

func TestStyle(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Style{}.Paint("31", "a"), "a"},
		{Style{}.Heading("a") + Style{}.Dim("b"), "ab"},
		{Style{Colour: true}.Paint("31", "a"), "\x1b[31ma\x1b[0m"},
		{Style{Colour: true}.Paint("31", ""), ""},
		{Style{Colour: true}.Heading("a"), "\x1b[1ma\x1b[0m"},
		{Style{Colour: true}.Dim("a"), "\x1b[2ma\x1b[0m"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}
