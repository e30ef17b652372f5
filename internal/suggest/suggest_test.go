package suggest

import (
	"strings"
	"testing"
)

func TestFor(t *testing.T) {
	words := []string{"contains", "startswith", "endswith", "re", "splunk", "i"}
	for in, want := range map[string]string{
		"contians":                `; did you mean "contains"?`,
		"conatins":                `; did you mean "contains"?`,
		"startwith":               `; did you mean "startswith"?`,
		"splnk":                   `; did you mean "splunk"?`,
		"xyz":                     "",
		"x":                       "",
		"":                        "",
		strings.Repeat("a", 1000): "",
	} {
		if got := For(in, words); got != want {
			t.Errorf("For(%.20q) = %q, want %q", in, got, want)
		}
	}
}

func TestAmong(t *testing.T) {
	for in, want := range map[string]string{"by-taget": `; did you mean "by-target"?`, "foo": "; layouts are flat, by-target"} {
		if got := Among(in, "layouts", []string{"flat", "by-target"}); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestMisspelt(t *testing.T) {
	words := []string{"ID", "Image", "ParentImage", "CommandLine", "cs-uri"}
	for in, want := range map[string]string{
		"Imgae": "Image", "Imag": "Image", "Immage": "Image", "image": "Image", "IMGAE": "Image",
		"Imae":                    "Image",
		"Imgea":                   "",
		"ComandLnie":              "CommandLine",
		"ComandLni":               "",
		"PrentImage":              "ParentImage",
		"i":                       "",
		"Id":                      "ID",
		"ixd":                     "ID",
		"CS_URI":                  "cs-uri",
		"":                        "",
		"CommandLines":            "CommandLine",
		strings.Repeat("a", 1000): "",
	} {
		if got := Misspelt(in, words); got != want {
			t.Errorf("Misspelt(%.20q) = %q, want %q", in, got, want)
		}
	}
}
