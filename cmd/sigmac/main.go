// Command sigmac compiles Sigma detection rules into queries for SIEMs.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac/internal/about"
)

// version is that of the command. A release sets it when it links; another build takes
// what the go command wrote into it.
var version = unreleased

const unreleased = about.Version + "-dev"

func main() {
	if version == unreleased {
		if info, ok := debug.ReadBuildInfo(); ok {
			version = stamped(info)
		}
	}
	collectRarely()
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// stamped is the version of a build that is no release: that of the module where the go
// command knows it.
func stamped(info *debug.BuildInfo) string {
	if v, ok := strings.CutPrefix(info.Main.Version, "v"); ok {
		return v
	}
	return unreleased
}

// commit names the commit of a build, where the go command knows it.
func commit(info *debug.BuildInfo) string {
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return " (commit " + s.Value[:min(12, len(s.Value))] + ")"
		}
	}
	return ""
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
	args, err := arguments(app, args)
	if err == nil {
		err = app.Run(args)
	}
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

// versionFlag asks for the version in the place of a command.
var versionFlag = &cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Usage: "print the version"}

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
		Flags:           []cli.Flag{cli.HelpFlag, versionFlag}, // the package adds none beside a command help

		DisableSliceFlagSeparator: true, // a path may have a comma
		Commands:                  []*cli.Command{convertCommand(), packageCommand(), planCommand(), driftCommand(), verifyCommand(), checkCommand(), diffCommand(), evalCommand(), testCommand(), sampleCommand(), explainCommand(), catalogCommand(), analyzeCommand(), listCommand(), irCommand(), pipelineCommand(), initCommand(), manCommand(), completionCommand(), helpCommand(), versionCommand()},
	}
	app.Action = func(c *cli.Context) error {
		if c.Bool("version") {
			return printVersion(c)
		}
		if !c.Args().Present() {
			return cli.ShowAppHelp(c)
		}
		if a, ok := answered(c.Args().Slice()); ok && a.status == exitOK {
			return tell(c.App.ErrWriter, "%s", a.text)
		} else if ok {
			return &failure{a.status, a.text}
		}
		return unknownCommand("", c.Args().First(), c.App.Commands)
	}
	for _, cmd := range app.Commands {
		finish(cmd)
		for _, sub := range cmd.Subcommands {
			finish(sub)
		}
	}
	return app
}

// finish says what is so of every command.
func finish(cmd *cli.Command) {
	cmd.HideHelpCommand = true // a path may be called help
	if cmd.Action != nil {
		// The flags are parsed by now. The cli package would look for actions of flags, of
		// which there are none, and compare the names of each with those of all others.
		cmd.Before = func(*cli.Context) error {
			cmd.Flags = nil
			return nil
		}
	}
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:   "version",
		Usage:  "print the version",
		Action: printVersion,
	}
}

func printVersion(c *cli.Context) error {
	line := "sigmac " + version
	if info, ok := debug.ReadBuildInfo(); ok && version == unreleased {
		line += commit(info)
	}
	fmt.Fprintln(c.App.Writer, line)
	return nil
}
