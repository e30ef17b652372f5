//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostileRule says in every text what a terminal or a build server would obey.
const hostileRule = `title: "T\u001b]0;x\u0007\u202e\n::error ::t"
id: 5013198a-6b0e-4f4e-8f43-c8b5b4c5f0a1
description: "D\u001b[31m\n::error ::d\n##vso[task.complete]"
logsource:
  category: "test\n::error ::c"
detection:
  sel:
    "f\u001b[2J\n::error ::f": "v\u001b[31m\n::error ::v"
    g|contains: a
  filter:
    g: "\u202eno"
    h|fieldref: g
  condition: sel and not filter
`

// No command shows what a rule or its file's name says as more than text.
func TestHostileTexts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r\n::error ::dir\x1b[31m%d%s")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	name := "::error ::\x1b[31m%s%n\n##[error]x.yml"
	bad := "bad\n::error ::y%d.yml"
	for file, text := range map[string]string{name: hostileRule, bad: "title: \"a\\e\\n::error ::b\"\nlogsource: {\"k\\e\\n::error\": x}\ndetection: 7\n",
		"twin.yml":      strings.Replace(hostileRule, "5013198a", "5013198b", 1),
		"events.ndjson": `{"g":"a","f\u001b[2J\n::error ::f":"v\u001b[31m\n::error ::v"}` + "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"convert", "-t", "splunk", "-t", "kusto", "-t", "elastic", "--without-pipeline", "."},
		{"convert", "-t", "kusto", "."},
		{"convert", "-t", "kusto", "-o", "new\n::error ::o/\x1b[31m", name},
		{"convert", "-t", "kusto", "--without-pipeline", "--verify", "."},
		{"verify", "-t", "splunk", "-t", "kusto", "-t", "elastic", "--without-pipeline", "."},
		{"verify", "-t", "splunk", "--without-pipeline", "--query", "events.ndjson", name},
		{"check", "."},
		{"test", "--require-tests", "."},
		{"explain", "."},
		{"explain", "--markdown", "."},
		{"catalog", "findings", "."},
		{"ir", name},
		{"eval", "--rules", ".", "--explain", "events.ndjson"},
		{"sample", "-t", "kusto", "."},
		{"pipeline", "check", name},
		{"pipeline", "diff", "-t", "splunk", "--without-pipeline", "."},
		{"convert", "-t", "\x1b[31m\n::error ::t", "."},
		{"nothing\n::error ::n\x1b[31m"},
		{"convert", "--no\n::error ::n\x1b[31m"},
		{"convert", "-t", "kusto", "gone\n::error ::n\x1b[31m"},
	} {
		var out, errs bytes.Buffer
		run(append([]string{"sigmac"}, args...), strings.NewReader(""), &out, &errs)
		for _, text := range []string{out.String(), errs.String()} {
			for line := range strings.Lines(text) {
				if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.ContainsAny(line, "\x1b\x07\u202e\r") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
					t.Errorf("%q says %q", args, line)
				}
			}
			if strings.Contains(text, "%!") {
				t.Errorf("%q takes a name for a format: %q", args, text)
			}
		}
		if out.Len()+errs.Len() == 0 {
			t.Errorf("%q says nothing", args)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// What cannot be written is an error of every command.
func TestFullDevice(t *testing.T) {
	rule := filepath.Join(t.TempDir(), "rule.yml")
	if err := os.WriteFile(rule, []byte("title: T\nlogsource: {category: test}\ndetection: {sel: {f: a}, condition: sel}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"version"}, {"list", "targets"}, {"pipeline", "list"}, {"pipeline", "show", "sysmon"}, {"man"}, {"completion", "bash"}, {"--help"},
		{"convert", "-t", "kusto", "--without-pipeline", rule}, {"verify", "-t", "kusto", "--without-pipeline", rule}, {"explain", rule}, {"check", rule}, {"test", rule}, {"ir", rule}} {
		var errs bytes.Buffer
		if status := run(append([]string{"sigmac"}, args...), strings.NewReader(""), full{}, &errs); status != exitUsage || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("%q ends with %d and says %q", args, status, errs.String())
		}
	}
}

// A pipeline does not wait for a file that never ends.
func TestPlaceholdersOfPipe(t *testing.T) {
	dir := t.TempDir()
	rule, pipeline := filepath.Join(dir, "rule.yml"), filepath.Join(dir, "p.yml")
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "names.txt"), 0o666),
		os.WriteFile(rule, []byte("title: T\nlogsource: {category: test}\ndetection: {sel: {'f|expand': '%names%'}, condition: sel}\n"), 0o666),
		os.WriteFile(pipeline, []byte("name: p\npriority: 1\ntransformations:\n- type: file_placeholders\n  path: names.txt\n"), 0o666)); err != nil {
		t.Fatal(err)
	}
	done := make(chan string, 1)
	go func() {
		var out, errs bytes.Buffer
		run([]string{"sigmac", "convert", "--allow-external", "-t", "kusto", "-p", pipeline, rule}, strings.NewReader(""), &out, &errs)
		done <- errs.String()
	}()
	select {
	case got := <-done:
		if !strings.Contains(got, "is no file") {
			t.Error(got)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits for a pipe")
	}
}
