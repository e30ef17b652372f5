// Command sigmac compiles Sigma detection rules into queries for SIEMs.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac/internal/suggest"
)

// version is that of the command.
const version = "0.1.0"

func main() {
	// A run is short and its memory small: collect less often.
	debug.SetGCPercent(400)
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitOK    = 0
	exitRules = 1 // some rule could not be converted
	exitUsage = 2 // wrong usage, or input or output that cannot be used
)

// A failure ends the command with a status; the message may be empty.
type failure struct {
	status int
	msg    string
}

func (f *failure) Error() string { return f.msg }

func usage(format string, args ...any) error {
	return &failure{exitUsage, fmt.Sprintf(format, args...)}
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &checkedWriter{Writer: stdout}
	app := newApp(stdin, out, stderr)
	err := app.Run(flagsFirst(args, app))
	if err == nil && out.err != nil {
		err = usage("the output cannot be written: %s", out.err)
	}
	if err == nil {
		return exitOK
	}
	f := &failure{exitUsage, err.Error()}
	errors.As(err, &f)
	if f.msg != "" {
		for i, line := range strings.Split(f.msg, "\n") {
			if i == 0 {
				line = "sigmac: " + line
			}
			tell(stderr, "%s", line)
		}
	}
	return f.status
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:            "sigmac",
		Usage:           "compile Sigma detection rules into queries, exactly or not at all",
		Description:     "sigmac convert -t splunk rules/        one query a line\nsigmac convert -t kusto --pretty rule.yml\nsigmac list targets",
		Version:         version,
		HideVersion:     true,
		HideHelpCommand: true,
		Reader:          stdin,
		Writer:          stdout,
		ErrWriter:       stderr,
		ExitErrHandler:  func(*cli.Context, error) {},
		Commands:        []*cli.Command{convertCommand(), verifyCommand(), checkCommand(), diffCommand(), evalCommand(), testCommand(), sampleCommand(), explainCommand(), catalogCommand(), listCommand(), irCommand(), pipelineCommand(), initCommand(), manCommand(), completionCommand(), versionCommand()},
	}
	app.Action = func(c *cli.Context) error {
		if !c.Args().Present() {
			return cli.ShowAppHelp(c)
		}
		var names []string
		for _, cmd := range c.App.Commands {
			names = append(names, cmd.Name)
		}
		return usage("unknown command %q%s", c.Args().First(), suggest.For(c.Args().First(), names))
	}
	app.OnUsageError = wrongFlag
	for _, cmd := range app.Commands {
		cmd.OnUsageError = wrongFlag
		for _, sub := range cmd.Subcommands {
			sub.OnUsageError = wrongFlag
		}
	}
	return app
}

// wrongFlag says which flag was meant.
func wrongFlag(c *cli.Context, err error, _ bool) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return usage("%s", err)
	}
	var names []string
	for _, f := range append(slices.Clone(c.Command.Flags), c.App.Flags...) {
		for _, n := range f.Names() {
			if len(n) > 1 {
				names = append(names, "--"+n)
			}
		}
	}
	return usage("unknown flag --%s%s", strings.TrimLeft(name, "-"), suggest.For("--"+strings.TrimLeft(name, "-"), names))
}

// flagsFirst moves the flags of a command before its paths, for the flag
// package stops at the first path.
func flagsFirst(args []string, app *cli.App) []string {
	if len(args) < 2 {
		return args
	}
	cmd, words := app.Command(args[1]), 2
	if cmd == nil {
		return args
	}
	if i := slices.IndexFunc(cmd.Subcommands, func(sub *cli.Command) bool { return len(args) > 2 && sub.Name == args[2] }); i >= 0 {
		cmd, words = cmd.Subcommands[i], 3
	}
	takesValue := map[string]bool{}
	for _, f := range cmd.Flags {
		_, isBool := f.(*cli.BoolFlag)
		for _, n := range f.Names() {
			takesValue[n] = !isBool
		}
	}
	var flags, paths []string
	for rest := args[words:]; len(rest) > 0; rest = rest[1:] {
		a := rest[0]
		if a == "--" {
			paths = append(paths, rest...)
			break
		}
		if a == "-" || !strings.HasPrefix(a, "-") {
			paths = append(paths, a)
			continue
		}
		flags = append(flags, a)
		if takesValue[strings.TrimLeft(a, "-")] && len(rest) > 1 {
			rest = rest[1:]
			flags = append(flags, rest[0])
		}
	}
	return slices.Concat(args[:words], flags, paths)
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Action: func(c *cli.Context) error {
			fmt.Fprintln(c.App.Writer, "sigmac "+version)
			return nil
		},
	}
}
