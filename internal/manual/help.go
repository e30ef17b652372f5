package manual

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// column is where the usage of options stands at most; a longer option has a line of its own.
const column = 30

// AppHelp writes what --help prints of the whole command, in lines of at most so many characters.
func AppHelp(w io.Writer, app *cli.App, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nUsage:\n  %[1]s COMMAND [OPTIONS] [PATH...]\n\nExamples:\n", app.Name, app.Usage)
	for line := range strings.SplitSeq(app.Description, "\n") {
		b.WriteString("  " + line + "\n")
	}
	writeCommands(&b, app.Commands, width)
	writeRows(&b, "Options", [][2]string{{"-h, --help", "show this help; sigmac help COMMAND shows that of a command"}, {"-v, --version", "print the version"}}, width)
	_, err := io.WriteString(w, b.String())
	return err
}

// CommandHelp writes what --help prints of a command, called by its whole name.
func CommandHelp(w io.Writer, name string, cmd *cli.Command, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nUsage:\n%s", name, cmd.Usage, wrapped(synopsis(name, cmd), "  ", width))
	for _, x := range blocks(cmd.Description) {
		switch {
		case len(x.lines) == 0:
			continue
		case x.example:
			b.WriteString("\n")
			for _, line := range x.lines {
				b.WriteString("    " + line + "\n")
			}
		default:
			b.WriteString("\n" + wrapped(strings.Join(x.lines, " "), "", width))
		}
	}
	writeCommands(&b, cmd.Subcommands, width)
	var rows [][2]string
	for _, o := range visible(cmd.Flags) {
		rows = append(rows, [2]string{o.head(), o.usage})
	}
	writeRows(&b, "Options", append(rows, [2]string{"-h, --help", "show this help"}), width)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeCommands(b *strings.Builder, commands []*cli.Command, width int) {
	var rows [][2]string
	for _, c := range commands {
		if c.Name != "help" || c.Action != nil { // the library's own is for no command that takes paths
			rows = append(rows, [2]string{c.Name, c.Usage})
		}
	}
	if rows != nil {
		writeRows(b, "Commands", rows, width)
	}
}

// head is an option with its short names first, and what stands for its value.
func (o option) head() string {
	var short, long []string
	for _, n := range o.names {
		if strings.HasPrefix(n, "--") {
			long = append(long, n)
		} else {
			short = append(short, n)
		}
	}
	return strings.TrimSuffix(strings.Join(append(short, long...), ", ")+" "+o.value, " ")
}

// writeRows writes names with what they mean, below each other; a name that is too long for its column
// has a line of its own.
func writeRows(b *strings.Builder, heading string, rows [][2]string, width int) {
	fmt.Fprintf(b, "\n%s:\n", heading)
	at := 0
	for _, r := range rows {
		if n := 2 + utf8.RuneCountInString(r[0]) + 2; n <= column {
			at = max(at, n)
		}
	}
	indent := strings.Repeat(" ", at)
	for _, r := range rows {
		head := "  " + r[0]
		text := wrapped(r[1], indent, width)
		if n := utf8.RuneCountInString(head); n+2 <= at {
			b.WriteString(head + text[n:])
		} else {
			b.WriteString(head + "\n" + text)
		}
	}
}

// wrapped is a text in lines of at most so many characters, each behind the indent.
func wrapped(text, indent string, width int) string {
	var b strings.Builder
	line := ""
	flush := func() {
		b.WriteString(indent + line + "\n")
		line = ""
	}
	for _, word := range strings.Fields(text) {
		if line != "" && len(indent)+utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			flush()
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if flush(); text == "" {
		return "\n"
	}
	return b.String()
}
