// Package manual makes the pages of docs/commands and the manual page. They are made
// of the commands' definitions, which --help prints. The library's own generator
// leaves out what a command's description says, and takes `*` in a default for markup.
package manual

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

// A block of a description is a paragraph, or lines of examples.
type block struct {
	example bool
	lines   []string
}

// blocks are those of a description: examples are indented.
func blocks(description string) (out []block) {
	for _, line := range strings.Split(strings.Trim(description, "\n"), "\n") {
		example := strings.HasPrefix(line, "   ")
		line = strings.TrimPrefix(line, "   ")
		if line == "" {
			if n := len(out); n > 0 && len(out[n-1].lines) > 0 {
				out = append(out, block{})
			}
			continue
		}
		if n := len(out); n == 0 || len(out[n-1].lines) > 0 && out[n-1].example != example {
			out = append(out, block{})
		}
		last := &out[len(out)-1]
		last.example = example
		last.lines = append(last.lines, line)
	}
	return out
}

var placeholder = regexp.MustCompile("`([^`]+)`")

// An option is a flag as a page shows it.
type option struct {
	names []string // with dashes, the long one first
	value string   // what stands for its value, or empty
	usage string   // with the default behind it
}

func optionOf(f cli.Flag) option {
	o := option{}
	for _, n := range f.Names() {
		if len(n) > 2 {
			n = "-" + n
		}
		o.names = append(o.names, "-"+n)
	}
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return o
	}
	o.usage = d.GetUsage()
	if d.TakesValue() {
		o.value = "VALUE"
		if m := placeholder.FindStringSubmatch(o.usage); m != nil {
			o.value = m[1]
		}
		if text := strings.ReplaceAll(d.GetDefaultText(), `"`, ""); text != "" && text != "[]" {
			o.usage += " (default: " + text + ")"
		}
	}
	o.usage = strings.ReplaceAll(o.usage, "`", "")
	return o
}

// Command is the page of a command in Markdown, with its subcommands.
func Command(cmd *cli.Command) string {
	var b strings.Builder
	b.WriteString("<!-- Made from the definitions of the command: go test ./cmd/sigmac -run TestPages -update -->\n\n")
	writePage(&b, "sigmac "+cmd.Name, cmd, 1)
	fmt.Fprintf(&b, "\n[All commands](README.md)\n")
	return b.String()
}

func writePage(b *strings.Builder, name string, cmd *cli.Command, depth int) {
	fmt.Fprintf(b, "%s %s\n\n%s.\n\n    %s\n", strings.Repeat("#", depth), name, sentence(cmd.Usage), synopsis(name, cmd))
	for _, x := range blocks(cmd.Description) {
		b.WriteString("\n")
		for _, line := range x.lines {
			if x.example {
				b.WriteString("    " + line + "\n")
			} else {
				b.WriteString(markdownProse(line) + "\n")
			}
		}
	}
	if options := visible(cmd.Flags); len(options) > 0 {
		b.WriteString("\n| Option | Meaning |\n|---|---|\n")
		for _, o := range options {
			head := "`" + strings.Join(o.names, "`, `")
			if o.value != "" {
				head += " " + o.value
			}
			fmt.Fprintf(b, "| %s` | %s |\n", strings.ReplaceAll(head, "|", `\|`), markdownProse(o.usage))
		}
	}
	for _, sub := range cmd.Subcommands {
		b.WriteString("\n")
		writePage(b, name+" "+sub.Name, sub, depth+1)
	}
}

// markdownProse is a text of a definition, whose < and | mean themselves.
func markdownProse(s string) string {
	return strings.NewReplacer("<", "&lt;", "|", `\|`, "*", `\*`, "_", `\_`).Replace(s)
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func synopsis(name string, cmd *cli.Command) string {
	out := name
	if len(cmd.Subcommands) > 0 {
		out += " COMMAND"
	}
	if len(visible(cmd.Flags)) > 0 {
		out += " [OPTIONS]"
	}
	if cmd.ArgsUsage != "" {
		out += " " + cmd.ArgsUsage
	}
	return out
}

func visible(flags []cli.Flag) (out []option) {
	for _, f := range flags {
		if f.Names()[0] != "help" {
			out = append(out, optionOf(f))
		}
	}
	return out
}

// Index is the page in Markdown that lists the pages of all commands.
func Index(app *cli.App) string {
	var b strings.Builder
	b.WriteString("<!-- Made from the definitions of the commands: go test ./cmd/sigmac -run TestPages -update -->\n\n# Commands\n\n| Command | What it does |\n|---|---|\n")
	for _, cmd := range app.Commands {
		fmt.Fprintf(&b, "| [`%s`](%[1]s.md) | %s |\n", cmd.Name, markdownProse(cmd.Usage))
	}
	b.WriteString("\nWhat they share, and the form of their output, is in [cli.md](../cli.md). `sigmac man` prints the same as a manual page.\n")
	return b.String()
}

// Man is the manual page of all commands, in the macros of man(7).
func Man(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".\\\" Made from the definitions of the commands.\n.TH SIGMAC 1 \"\" \"sigmac %s\" \"User Commands\"\n", roff(app.Version))
	fmt.Fprintf(&b, ".SH NAME\nsigmac \\- %s\n.SH SYNOPSIS\n.B sigmac\n.I COMMAND\n[\\fIOPTIONS\\fR] [\\fIPATH\\fR...]\n.SH DESCRIPTION\n", roff(app.Usage))
	manBlocks(&b, app.Description, true)
	b.WriteString(".SH COMMANDS\n")
	for _, cmd := range app.Commands {
		manCommandPage(&b, "sigmac "+cmd.Name, cmd)
	}
	b.WriteString(".SH EXIT STATUS\n.TP\n0\nAll was done, and nothing is wrong.\n.TP\n1\nA rule is wrong, or something is not as it should be.\n.TP\n2\nWrong usage, or a file that cannot be read or written.\n")
	b.WriteString(".SH FILES\n.TP\nsigmac.yaml\nThe configuration of a repository of rules: in the working directory, or in the nearest one above it up to the top of the repository.\n")
	return b.String()
}

func manCommandPage(b *strings.Builder, name string, cmd *cli.Command) {
	fmt.Fprintf(b, ".SS %s\n%s.\n.PP\n.nf\n%s\n.fi\n", roff(name), roff(sentence(cmd.Usage)), roff(synopsis(name, cmd)))
	manBlocks(b, cmd.Description, false)
	for _, o := range visible(cmd.Flags) {
		names := make([]string, len(o.names))
		for i, n := range o.names {
			names[i] = "\\fB" + roff(n) + "\\fR"
		}
		head := strings.Join(names, ", ")
		if o.value != "" {
			head += " \\fI" + roff(o.value) + "\\fR"
		}
		fmt.Fprintf(b, ".TP\n%s\n%s\n", head, roff(sentence(o.usage)))
	}
	for _, sub := range cmd.Subcommands {
		manCommandPage(b, name+" "+sub.Name, sub)
	}
}

func manBlocks(b *strings.Builder, description string, example bool) {
	for _, x := range blocks(description) {
		b.WriteString(".PP\n")
		if x.example || example {
			b.WriteString(".RS\n.nf\n")
		}
		for _, line := range x.lines {
			b.WriteString(roff(line) + "\n")
		}
		if x.example || example {
			b.WriteString(".fi\n.RE\n")
		}
	}
}

// roff is a text of which nothing is a request or an escape.
func roff(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r > 0x7e:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	s = b.String()
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
