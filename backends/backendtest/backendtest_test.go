package backendtest

import (
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/targets"
)

func every() []*backends.Target {
	toy := Toy()
	toy.Format = toy.Formats[0]
	return append(targets.All(), toy)
}

func TestConform(t *testing.T) {
	for _, target := range every() {
		t.Run(target.Name, func(t *testing.T) { Conform(t, target) })
	}
}

// FuzzLeavingLiterals is Literals for any value and name.
func FuzzLeavingLiterals(f *testing.F) {
	for _, text := range leaving {
		f.Add("f", text)
		f.Add(text, "x")
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if name == "" || strings.ContainsAny(name, "|\n\r") {
			return
		}
		for _, target := range every() {
			HoldsLiteral(t, target, name, text)
			HoldsLiteral(t, target, name+"|contains", text)
		}
	})
}

// FuzzRoundTrip is RoundTrip for any seed.
func FuzzRoundTrip(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		for _, target := range every() {
			RoundTrip(t, target, seed)
		}
	})
}
