package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"sigmac/internal/manual"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name:  "man",
		Usage: "print the manual page",
		Description: `The page is of man(7), made from what --help prints.

   sigmac man | man -l -
   sigmac man > /usr/local/share/man/man1/sigmac.1`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("man takes no argument: there is one page")
			}
			_, err := io.WriteString(c.App.Writer, manual.Man(c.App))
			return err
		},
	}
}
