package main

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// commandLines are written with a space between their arguments; `_` is one that
// is empty.
var commandLines = []struct{ line, want, wrong string }{
	{"", "--", ""},
	{"version", "version --", ""},
	{"convert r -t kusto", "convert --target=kusto -- r", ""},
	{"convert r -t kusto --target splunk s", "convert --target=kusto --target=splunk -- r s", ""},
	{"convert -t=kusto --json -p a,b -- -t x", "convert --target=kusto --json=true --pipeline=a,b -- -t x", ""},
	{"convert --target=x=y -f= -o -- -", "convert --target=x=y --format= --output=-- -- -", ""},
	{"convert -t --json", "convert --target=--json --", ""},
	{"convert --json=false -pretty=T", "convert --json=false --pretty=T --", ""},
	{"convert help _", "convert -- help _", ""},
	{"convert r -h --no", "convert --help=true", ""},
	{"--help convert", "--help=true", ""},
	{"pipeline diff --help=false", "pipeline diff --help=false --", ""},
	{"sample -n 0x10 r", "sample --n=0x10 -- r", ""},
	{"pipeline show sysmon", "pipeline show -- sysmon", ""},
	{"pipeline diff r -p x -t kusto", "pipeline diff --pipeline=x --target=kusto -- r", ""},
	{"-- pipeline -- diff -- -p", "pipeline diff -- -p", ""},
	{"pipeline shwo -x", "pipeline -- shwo -x", ""},
	{"covert -x", "-- covert -x", ""},
	{"- -x", "-- - -x", ""},
	{"convert --targte x", "", `unknown flag --targte; did you mean "--target"?`},
	{"convert -targte=x", "", `unknown flag -targte; did you mean "--target"?`},
	{"convert -abc", "", "unknown flag -abc"},
	{"convert ---t", "", "unknown flag ---t"},
	{"convert --=x", "", "unknown flag --"},
	{"convert -t", "", "-t needs a value"},
	{"convert --json=maybe", "", `--json is true or false, and not "maybe"`},
	{"convert --json=", "", `--json is true or false, and not ""`},
	{"sample -n 1e3", "", `-n needs a whole number, and not "1e3"`},
	{"sample -n 99999999999999999999", "", `-n needs a whole number, and not "99999999999999999999"`},
	{"-t kusto convert", "", "unknown flag -t; the flags of a command stand behind it"},
	{"pipeline -t kusto diff", "", "unknown flag -t; the flags of a command stand behind it"},
}

func words(line string) []string {
	args := strings.Fields("sigmac " + line)
	for i, a := range args {
		if a == "_" {
			args[i] = ""
		}
	}
	return args
}

func TestArguments(t *testing.T) {
	for _, tt := range commandLines {
		got, err := arguments(newApp(nil, io.Discard, io.Discard), words(tt.line))
		switch {
		case err != nil && err.Error() != tt.wrong, err == nil && tt.wrong != "":
			t.Errorf("%s: %v, want %s", tt.line, err, tt.wrong)
		case err == nil && !reflect.DeepEqual(got, words(tt.want)):
			t.Errorf("%s: %q, want %q", tt.line, got, words(tt.want))
		}
	}
}

// FuzzArguments holds that the cli package finds nothing wrong in a command line,
// and no flag among its paths.
func FuzzArguments(f *testing.F) {
	for _, tt := range commandLines {
		f.Add(tt.line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		app := newApp(nil, io.Discard, io.Discard)
		args, err := arguments(app, words(line))
		if err != nil {
			return
		}
		var paths []string
		seen := func(c *cli.Context) error {
			paths = append(c.Args().Slice(), "") // not nil
			return nil
		}
		app.Action = seen
		for _, cmd := range app.Commands {
			cmd.Action = seen
			for _, sub := range cmd.Subcommands {
				sub.Action = seen
			}
		}
		if err := app.Run(args); err != nil {
			t.Fatalf("%q: %s", args, err)
		}
		if n := len(args) - len(paths) + 1; paths != nil && !(args[n-1] == "--" && reflect.DeepEqual(args[n:], paths[:len(paths)-1])) {
			t.Fatalf("%q gives the paths %q", args, paths)
		}
	})
}

// A value is taken as it is written.
func TestValuesAsWritten(t *testing.T) {
	app := newApp(nil, io.Discard, io.Discard)
	args, err := arguments(app, []string{"sigmac", "convert", "-p", " a,b ", "--pipeline", "", "-O", " k=v,w "})
	want := errors.New("no run")
	app.Command("convert").Action = func(c *cli.Context) error {
		if got := c.StringSlice("pipeline"); !reflect.DeepEqual(got, []string{" a,b ", ""}) {
			t.Errorf("pipelines %q", got)
		}
		if got := c.StringSlice("O"); !reflect.DeepEqual(got, []string{" k=v,w "}) {
			t.Errorf("options %q", got)
		}
		return want
	}
	if err = errors.Join(err, app.Run(args)); !errors.Is(err, want) {
		t.Error(err)
	}
}
