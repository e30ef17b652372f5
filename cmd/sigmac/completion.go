package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/check"
	"sigmac/internal/config"
	"sigmac/internal/delivery"
	"sigmac/internal/diff/review"
	"sigmac/internal/suggest"
	"sigmac/pipeline"
)

func completionCommand() *cli.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cli.Command{
		Name:        "completion",
		Usage:       "print a completion script for a shell",
		ArgsUsage:   strings.Join(shells, "|"),
		Description: "   source <(sigmac completion bash)\n   sigmac completion fish > ~/.config/fish/completions/sigmac.fish",
		Action: func(c *cli.Context) error {
			switch shell := c.Args().First(); shell {
			case "bash":
				fmt.Fprint(c.App.Writer, bashCompletion(c.App, ""))
			case "zsh":
				// As a file _sigmac in $fpath it is read at the first completion, and has to answer that too.
				fmt.Fprint(c.App.Writer, bashCompletion(c.App, "#compdef sigmac\nautoload -U +X bashcompinit && bashcompinit\n"),
					"if [ \"${funcstack[1]}\" = _sigmac ]; then _bash_complete -F _sigmac; fi\n")
			case "fish":
				script, err := c.App.ToFishCompletion()
				if err != nil {
					return usage("%s", err)
				}
				fmt.Fprint(c.App.Writer, script)
				for _, v := range flagValues() {
					flag, files := "-l "+v.long, "-x" // no files
					if v.short != "" {
						flag += " -s " + v.short
					}
					if v.files {
						files = "-r"
					}
					fmt.Fprintf(c.App.Writer, "complete -c sigmac %s %s -a %q\n", flag, files, strings.Join(v.words, " "))
				}
			default:
				return usage("completion needs one of bash, zsh and fish%s", suggest.For(shell, shells))
			}
			return nil
		},
	}
}

// bashCompletion completes commands, flags, targets and files.
func bashCompletion(app *cli.App, head string) string {
	var b strings.Builder
	b.WriteString(head + "_sigmac() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\"\"\n")
	b.WriteString("  case \"$prev\" in\n")
	values := func(names string, words []string, files string) {
		fmt.Fprintf(&b, "    %s) COMPREPLY=($(compgen -W %q%s -- \"$cur\")); return;;\n", names, strings.Join(words, " "), files)
	}
	for _, v := range flagValues() {
		flag, files := "--"+v.long, ""
		if v.short != "" {
			flag += "|-" + v.short
		}
		if v.files {
			files = " -f"
		}
		values(flag, v.words, files)
	}
	values("formats|pipelines|correlation-methods", targetNames(), "")
	values("show", pipeline.Builtins(), "")
	values("completion", []string{"bash", "zsh", "fish"}, "")
	for _, cmd := range app.Commands {
		var subs []string
		for _, sub := range cmd.Subcommands {
			subs = append(subs, sub.Name)
		}
		switch cmd.Name {
		case "list":
			subs = listNames()
		case "help":
			for _, other := range app.Commands {
				subs = append(subs, other.Name)
			}
		}
		if subs != nil {
			values(cmd.Name, subs, "")
		}
	}
	b.WriteString("  esac\n")
	b.WriteString("  case \"${COMP_WORDS[1]}\" in\n")
	var names []string
	for _, cmd := range app.Commands {
		names = append(names, cmd.Name)
		var flags []string
		for _, c := range append([]*cli.Command{cmd}, cmd.Subcommands...) {
			for _, f := range c.Flags {
				if name := "--" + f.Names()[0]; !slices.Contains(flags, name) {
					flags = append(flags, name)
				}
			}
		}
		fmt.Fprintf(&b, "    %s) words=%q;;\n", cmd.Name, strings.Join(flags, " "))
	}
	b.WriteString("  esac\n")
	fmt.Fprintf(&b, "  if [ \"$COMP_CWORD\" -eq 1 ]; then words=%q; fi\n", strings.Join(names, " "))
	b.WriteString("  if [ \"$COMP_CWORD\" -gt 1 ] && [ \"${cur#-}\" = \"$cur\" ]; then COMPREPLY=($(compgen -f -- \"$cur\")); return; fi\n")
	b.WriteString("  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _sigmac sigmac\n")
	return b.String()
}

// A flagValue is what may stand behind a flag, and whether files may too.
type flagValue struct {
	long, short string
	words       []string
	files       bool
}

// flagValues are those of flags with a set of values; a flag that differs between commands has those of all.
func flagValues() []flagValue {
	var formats []string
	for _, t := range sigmac.Targets() {
		for _, f := range t.Formats {
			formats = append(formats, f.Name)
		}
		for _, f := range t.Packages {
			formats = append(formats, f.Name)
		}
	}
	for _, f := range sampleForms() {
		formats = append(formats, f.Name)
	}
	formats = append(formats, reports...)
	slices.Sort(formats)
	return []flagValue{
		{"target", "t", targetNames(), false},
		{"pipeline", "p", pipeline.Builtins(), true},
		{"format", "f", slices.Compact(formats), false},
		{"replay", "", targetNames(), false},
		{"profile", "", []string{"default", "sigmahq"}, false},
		{"fail-on", "", append([]string{check.Error, check.Warning, check.Note}, review.Failures...), false},
		{"allow", "", config.Directions, false},
		{"layout", "", delivery.Layouts, false},
	}
}

// targetNames are those by which targets can be asked for.
func targetNames() (names []string) {
	for _, t := range sigmac.Targets() {
		names = append(names, t.Names()...)
	}
	return names
}
