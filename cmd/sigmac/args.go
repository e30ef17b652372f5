package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac/internal/suggest"
)

// A listFlag may stand several times, which its usage says.
type listFlag struct{ *cli.StringSliceFlag }

func list(name, usage string, aliases ...string) listFlag {
	return listFlag{&cli.StringSliceFlag{Name: name, Aliases: aliases, Usage: usage, KeepSpace: true}}
}

// IsSliceFlag keeps --help from printing the names twice.
func (listFlag) IsSliceFlag() bool { return false }

func (f listFlag) String() string { return cli.FlagStringer(f) }

// arguments is a command line as the cli package reads it without an error: each
// flag is one that there is, by its first name and with a value that it takes,
// and stands before the paths, at which that package stops. Flags may stand
// anywhere behind their command, up to `--`. The command keeps the flags that are
// given or have a default: the package would make values of the others too.
func arguments(app *cli.App, args []string) ([]string, error) {
	out, paths := slices.Clone(args[:min(1, len(args))]), []string{"--"}
	commands, flags := app.Commands, app.Flags
	var command *cli.Command
	var given []cli.Flag
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--" && len(commands) == 0:
			paths = append(paths, args[i+1:]...)
			i = len(args)
		case a == "--":
		case len(a) > 1 && a[0] == '-':
			name, value, valued := strings.Cut(a, "=")
			f, near := flagOf(flags, name)
			switch {
			case f == nil && len(commands) > 0:
				return nil, usage("unknown flag %s; the flags of a command stand behind it", name)
			case f == nil && flagAnswers[strings.TrimLeft(name, "-")] != "":
				return nil, usage("%s: %s", name, flagAnswers[strings.TrimLeft(name, "-")])
			case f == nil:
				return nil, usage("unknown flag %s%s", name, near)
			}
			_, isBool := f.(*cli.BoolFlag)
			switch {
			case valued:
			case isBool:
				value = "true"
			case i+1 == len(args):
				return nil, usage("%s needs a value", name)
			default:
				i++
				value = args[i]
			}
			yes, err := strconv.ParseBool(value)
			if isBool && err != nil {
				return nil, usage("%s is true or false, and not %q", name, value)
			}
			if _, isInt := f.(*cli.IntFlag); isInt {
				if _, err := strconv.ParseInt(value, 0, strconv.IntSize); err != nil {
					return nil, usage("%s needs a whole number, and not %q", name, value)
				}
			}
			given = append(given, f)
			out = append(out, "--"+flagNames(f)[0]+"="+value)
			if (f == cli.HelpFlag || f == versionFlag) && yes {
				return out, nil // of the command so far, which takes a path for a topic
			}
		case len(commands) == 0:
			paths = append(paths, a)
		default:
			c := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.Name == a })
			if c < 0 { // what the command above says of it
				return slices.Concat(out, paths, args[i:]), nil
			}
			out = append(out, a)
			command = commands[c]
			commands, flags = command.Subcommands, command.Flags
		}
	}
	if command != nil && command.Action != nil {
		command.Flags = slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool { return !hasDefault(f) && !slices.Contains(given, f) })
	}
	return append(out, paths...), nil
}

// hasDefault says whether a flag has a value where it is not given.
func hasDefault(f cli.Flag) bool {
	switch f := f.(type) {
	case *cli.BoolFlag:
		return f.Value
	case *cli.StringFlag:
		return f.Value != ""
	case listFlag:
		return f.Value != nil
	}
	return true
}

// flagNames are the names of a flag without its dashes, as its Names has them, which looks for
// white space in each by a regular expression.
func flagNames(f cli.Flag) []string {
	switch f := f.(type) {
	case *cli.BoolFlag:
		return append([]string{f.Name}, f.Aliases...)
	case *cli.StringFlag:
		return append([]string{f.Name}, f.Aliases...)
	case listFlag:
		return append([]string{f.Name}, f.Aliases...)
	}
	return f.Names()
}

// flagOf is the flag with this name, which has its dashes, or nil and what was
// meant.
func flagOf(flags []cli.Flag, name string) (f cli.Flag, near string) {
	name = strings.TrimPrefix(name[1:], "-")
	var long []string
	for _, f := range append([]cli.Flag{cli.HelpFlag}, flags...) {
		if slices.Contains(flagNames(f), name) {
			return f, ""
		}
		for _, n := range flagNames(f) {
			if len(n) > 2 { // -od is no slip of anything
				long = append(long, "--"+n)
			}
		}
	}
	if rest, no := strings.CutPrefix(name, "no-"); no && slices.Contains(long, "--without-"+rest) {
		name = "without-" + rest
	}
	return nil, suggest.For("--"+name, long)
}
