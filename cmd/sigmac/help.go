package main

import (
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"sigmac/internal/manual"
	"sigmac/internal/suggest"
)

// The widths of help: within these of the terminal's, and that where there is none.
const (
	leastWidth = 80
	mostWidth  = 120
	noTerminal = 100
)

func init() {
	cli.HelpPrinter = func(w io.Writer, _ string, of any) {
		switch of := of.(type) {
		case *cli.App:
			manual.AppHelp(w, of, widthOf(w)) // run sees what could not be written
		case *cli.Command:
			manual.CommandHelp(w, of.HelpName, of, widthOf(w))
		}
	}
}

// widthOf is how long the lines of help on w are: as COLUMNS says, or the terminal.
func widthOf(w io.Writer) int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil {
		if c, ok := w.(*checkedWriter); ok {
			w = c.Writer
		}
		f, ok := w.(*os.File)
		if !ok {
			return noTerminal
		}
		if n, _, err = term.GetSize(int(f.Fd())); err != nil {
			return noTerminal
		}
	}
	return min(max(n, leastWidth), mostWidth)
}

func helpCommand() *cli.Command {
	return &cli.Command{
		Name:        "help",
		Usage:       "show the help of a command",
		ArgsUsage:   "[COMMAND [SUBCOMMAND]]",
		Description: "The same as --help behind the command.\n\n   sigmac help convert\n   sigmac help pipeline diff",
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return cli.ShowAppHelp(c)
			}
			name, commands := c.App.Name, c.App.Commands
			var cmd *cli.Command
			for _, word := range c.Args().Slice() {
				i := slices.IndexFunc(commands, func(x *cli.Command) bool { return x.Name == word })
				if i < 0 {
					return unknownCommand(strings.TrimPrefix(name+" ", c.App.Name+" "), word, commands)
				}
				cmd, name = commands[i], name+" "+word
				commands = cmd.Subcommands
			}
			return manual.CommandHelp(c.App.Writer, name, cmd, widthOf(c.App.Writer))
		},
	}
}

// unknownCommand is said of a word that is none of some commands, which stand behind what is before it.
func unknownCommand(before, word string, commands []*cli.Command) error {
	var names []string
	for _, cmd := range commands {
		names = append(names, cmd.Name)
	}
	return usage("unknown command %q%s", before+word, suggest.For(word, names))
}
