package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
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
	b.WriteString("  case \"$prev\" in\n    -t|--target|formats|pipelines|correlation-methods) COMPREPLY=($(compgen -W \"" + strings.Join(targetNames(), " ") + "\" -- \"$cur\")); return;;\n")
	b.WriteString("    -p|--pipeline|show) COMPREPLY=($(compgen -W \"" + strings.Join(pipeline.Builtins(), " ") + "\" -f -- \"$cur\")); return;;\n")
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
			fmt.Fprintf(&b, "    %s) COMPREPLY=($(compgen -W %q -- \"$cur\")); return;;\n", cmd.Name, strings.Join(subs, " "))
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

// targetNames are those by which targets can be asked for.
func targetNames() (names []string) {
	for _, t := range sigmac.Targets() {
		names = append(names, t.Names()...)
	}
	return names
}
