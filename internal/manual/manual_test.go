package manual

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

var app = &cli.App{
	Name: "sigmac", Usage: "do things", Version: "1.0", Description: "sigmac do x",
	Commands: []*cli.Command{{
		Name: "do", Usage: "do it", ArgsUsage: "PATH...",
		Description: "Text of it,\ntwo lines.\n\n   sigmac do x\n   sigmac do *\n\n.Dot and \\ back-slash",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "a", Usage: "write to `FILE`"},
			&cli.BoolFlag{Name: "all", Usage: "take *all* | <none>"},
			&cli.BoolFlag{Name: "help", Usage: "no option of a page"},
		},
		Subcommands: []*cli.Command{{Name: "more", Usage: "do more"}},
	}},
}

func TestCommand(t *testing.T) {
	const want = `
# sigmac do

Do it.

    sigmac do COMMAND [OPTIONS] PATH...

Text of it,
two lines.

    sigmac do x
    sigmac do *

.Dot and \ back-slash

| Option | Meaning |
|---|---|
| ` + "`--output`, `-o FILE`" + ` | write to FILE (default: a) |
| ` + "`--all`" + ` | take \*all\* \| &lt;none> |

## sigmac do more

Do more.

    sigmac do more

[All commands](README.md)
`
	if _, got, _ := strings.Cut(Command(app.Commands[0]), "-->\n"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestIndex(t *testing.T) {
	if got, row := Index(app), "| [`do`](do.md) | do it |\n"; !strings.Contains(got, row) {
		t.Errorf("%s\nwant %s", got, row)
	}
}

// Nothing of a definition is a request or an escape.
func TestMan(t *testing.T) {
	got := Man(app)
	for _, want := range []string{
		".TH SIGMAC 1 \"\" \"sigmac 1.0\"",
		".SS sigmac do\nDo it.\n",
		".PP\n.RS\n.nf\nsigmac do x\nsigmac do *\n.fi\n.RE\n",
		"\\&.Dot and \\e back\\-slash\n",
		".TP\n\\fB\\-\\-output\\fR, \\fB\\-o\\fR \\fIFILE\\fR\nWrite to FILE (default: a)\n",
		".SS sigmac do more\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nholds no %q", got, want)
		}
	}
	if got := roff("é"); got != `\[u00E9]` {
		t.Error(got)
	}
}
