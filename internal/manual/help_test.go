package manual

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

func TestHelp(t *testing.T) {
	cmd := *app.Commands[0]
	cmd.Subcommands = []*cli.Command{{Name: "more", Usage: "do more"}}
	cmd.Flags = append(cmd.Flags, &cli.StringFlag{Name: "a-name-that-is-long", Aliases: []string{"n"}, Usage: "the `VALUE-OF-IT`, which is told of on a line of its own, and more"})
	var b strings.Builder
	if err := CommandHelp(&b, "sigmac do", &cmd, 60); err != nil {
		t.Fatal(err)
	}
	const want = `sigmac do: do it

Usage:
  sigmac do COMMAND [OPTIONS] PATH...

Text of it, two lines.

    sigmac do x
    sigmac do *

.Dot and \ back-slash

Commands:
  more  do more

Options:
  -o, --output FILE  write to FILE (default: a)
  --all              take *all* | <none>
  -n, --a-name-that-is-long VALUE-OF-IT
                     the VALUE-OF-IT, which is told of on a
                     line of its own, and more
  -h, --help         show this help
`
	if b.String() != want {
		t.Errorf("%s\nwant %s", b.String(), want)
	}
	b.Reset()
	if err := AppHelp(&b, app, 80); err != nil || !strings.Contains(b.String(), "\nExamples:\n  sigmac do x\n\nCommands:\n  do  do it\n\nOptions:\n  -h, --help     show") {
		t.Errorf("%v %s", err, b.String())
	}
	for line := range strings.Lines(b.String()) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("a long line: %s", line)
		}
	}
}
