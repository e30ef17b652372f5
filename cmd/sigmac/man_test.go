package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"sigmac/internal/manual"
)

// TestPages holds that docs/commands and the manual page are made from the
// definitions of the commands, and that each page tells of every option.
func TestPages(t *testing.T) {
	app := newApp(strings.NewReader(""), io.Discard, io.Discard)
	dir := filepath.Join(repositoryRoot, "docs", "commands")
	want := map[string]string{"README.md": manual.Index(app), "sigmac.1": manual.Man(app)}
	for _, cmd := range app.Commands {
		page := manual.Command(cmd)
		want[cmd.Name+".md"] = page
		for _, c := range append([]*cli.Command{cmd}, cmd.Subcommands...) {
			for _, f := range c.Flags {
				name := "--" + f.Names()[0]
				if len(f.Names()[0]) == 1 {
					name = name[1:]
				}
				if !strings.Contains(page, "`"+name) {
					t.Errorf("the page of %s does not tell of %s", cmd.Name, name)
				}
			}
		}
	}
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("docs/commands has %d files, and there are %d pages", len(entries), len(want))
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != text {
			t.Errorf("docs/commands/%s is not of these definitions: go test ./cmd/sigmac -run TestPages -update; %v", name, err)
		}
	}
}

// TestMan holds that a reader of man(7) takes the page without a warning.
func TestMan(t *testing.T) {
	var out, errs bytes.Buffer
	if status := run([]string{"sigmac", "man"}, strings.NewReader(""), &out, &errs); status != exitOK {
		t.Fatal(status, errs.String())
	}
	for line := range strings.Lines(out.String()) {
		if first, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(line, ".") && !strings.Contains(" .TH .SH .SS .PP .TP .B .I .nf .fi .RS .RE .\\\" ", " "+first+" ") {
			t.Errorf("a request that no page needs: %s", line)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		return // the lines above are what is held without it
	}
	cmd := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z")
	cmd.Stdin = &out
	if text, err := cmd.CombinedOutput(); err != nil || len(text) > 0 {
		t.Errorf("%v: %s", err, text)
	}
}
