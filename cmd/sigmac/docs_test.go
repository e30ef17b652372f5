package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/itchyny/gojq"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sigmac/internal/evtxtest"
)

// A docBlock is a block of code of a page of the documentation.
type docBlock struct {
	line     int    // of its first line, from 1
	file     string // that a comment before it, <!-- file NAME -->, makes of it, or empty
	prepare  string // the command that a comment before it, <!-- run COMMAND -->, has
	indent   string // of its lines, where no fence is around it
	language string // of the fence
	lines    []string
}

// docBlocks are the blocks of a page: indented by four blanks, or in a fence.
func docBlocks(text string) (out []docBlock) {
	var b *docBlock
	file, prepare, fence := "", "", ""
	comment := regexp.MustCompile(`^<!-- (file|run) (.*) -->$`)
	end := func() {
		if b != nil && len(b.lines) > 0 {
			for len(b.lines) > 0 && strings.TrimSpace(b.lines[len(b.lines)-1]) == "" {
				b.lines = b.lines[:len(b.lines)-1]
			}
			b.file, b.prepare = file, prepare
			out = append(out, *b)
			file, prepare = "", ""
		}
		b, fence = nil, ""
	}
	list := false // an indented line belongs to an item of a list
	for i, l := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(l)
		switch {
		case fence != "" && trimmed == fence:
			end()
		case fence != "":
			b.lines = append(b.lines, strings.TrimPrefix(l, b.indent))
		case strings.HasPrefix(trimmed, "```"):
			end()
			fence = "```"
			b = &docBlock{line: i + 2, indent: l[:len(l)-len(strings.TrimLeft(l, " "))], language: strings.TrimPrefix(trimmed, "```")}
		case strings.HasPrefix(l, "    ") && trimmed != "" && !list:
			if b == nil {
				b = &docBlock{line: i + 1, indent: "    "}
			}
			b.lines = append(b.lines, l[4:])
		case trimmed == "" && b != nil:
			b.lines = append(b.lines, "")
		default:
			end()
			switch m := comment.FindStringSubmatch(l); {
			case m == nil:
			case m[1] == "file":
				file = m[2]
			default:
				prepare = m[2]
			}
			if trimmed != "" {
				list = strings.HasPrefix(l, "- ") || strings.HasPrefix(l, "* ") || list && strings.HasPrefix(l, " ")
			}
		}
	}
	end()
	return out
}

// isCommand says whether a line of a block is one that the test runs.
func isCommand(line string) bool {
	return regexp.MustCompile(`^(\$ )?(sigmac|go run \./cmd/sigmac)( |$)`).MatchString(line)
}

// needs skips a test where the system lacks one of the commands.
func needs(t *testing.T, commands ...string) {
	t.Helper()
	for _, name := range commands {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs the command %s: %s", name, err)
		}
	}
}

// TestDocs runs each command of README and docs, page by page, in a repository of testdata/docs.txtar
// with the examples, on a branch `work` one commit ahead of main. A command behind `$ ` stands with what it
// prints, which -update writes; others must not end with the status of wrong usage. Lines before it that
// begin with `$ ` too are run with it.
func TestDocs(t *testing.T) {
	needs(t, "bash", "git", "gzip", "sed", "tar", "timeout")
	var pages []string
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/deploy/*.md", "docs/commands/*.md", "examples/repo/README.md"} {
		found, err := filepath.Glob(filepath.Join(repositoryRoot, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	ran, read := 0, 0
	for _, page := range pages {
		name, _ := filepath.Rel(repositoryRoot, page)
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			src, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			text, n := runDocs(t, name, string(src))
			ran, read = ran+n, read+1
			if text == string(src) {
				return
			}
			if *update {
				err = os.WriteFile(page, []byte(text), 0o666)
			} else {
				t.Errorf("%s shows other output than sigmac has: go test ./cmd/sigmac -run TestDocs -update", name)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	if read == len(pages) && ran < 150 {
		t.Errorf("the documentation has %d commands", ran)
	}
}

// docsRepository makes the repository in which the commands of a page run.
func docsRepository(t *testing.T, page string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "detections")
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %s", args, out)
		}
	}
	if page == filepath.Join("examples", "repo", "README.md") {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(repositoryRoot, "examples", "repo"))); err != nil {
			t.Fatal(err)
		}
		git("init", "-q", "-b", "main")
		git("add", "-A")
		git("commit", "-qm", "one")
		return dir
	}
	a, err := txtar.ParseFile(filepath.Join("testdata", "docs.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o777)
		if err == nil {
			err = os.WriteFile(path, data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(repositoryRoot, "examples"))); err != nil {
		t.Fatal(err)
	}
	var later []txtar.File // of the branch work
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, "work:"); ok {
			later = append(later, txtar.File{Name: name, Data: f.Data})
			continue
		}
		write(f.Name, f.Data)
	}
	write("Security.evtx", evtxtest.FromJSON(`{"Event":{"System":{"EventID":4688,"Channel":"Security"},"EventData":{"NewProcessName":"C:\\Windows\\System32\\cmd.exe"}}}`))
	git("init", "-q", "-b", "main")
	git("add", "-A")
	git("commit", "-qm", "one")
	git("update-ref", "refs/remotes/origin/main", "main")
	git("checkout", "-qb", "work")
	for _, f := range later {
		write(f.Name, f.Data)
	}
	git("add", "-A")
	git("commit", "-qm", "two")
	return dir
}

// docsMade are files that commands of the documentation read and others make: as the branch main has the rules.
var docsMade = []struct{ name, command string }{
	{"events.ndjson.gz", "gzip -nk events.ndjson"},
	{"savedsearches.conf", "git checkout -q main -- rules && sigmac convert -f savedsearches -o savedsearches.conf rules/; git checkout -q work -- rules"},
	{"export.ndjson", "git checkout -q main -- rules && sigmac convert -f elastic_ndjson -o export.ndjson rules/; git checkout -q work -- rules"},
	{"export.json", `git checkout -q main -- rules && sigmac convert -f defender rules/ | jq '.[2].status = "disabled" | .[0].schedule.frequency = "PT24H"' > export.json; git checkout -q work -- rules`},
	{"detections/", "sigmac convert -f defender --output-dir detections rules/"},
	{"app/", "sigmac convert -f splunk_app -o app.tgz rules/ && mkdir app && tar -xzf app.tgz -C app"},
	{"site/", "sigmac catalog build --sigma rules -o site"},
	{"kit/results", `sigmac sample --replay elastic -o kit rules/ && mkdir kit/results && echo '{"hits": {"events": []}, "results": []}' > kit/results/fold.json`},
	{"queries/", "sigmac convert -t splunk -s --output-dir queries/ rules/"},
}

// runDocs runs the commands of a page, and is the page with what they print and their number.
func runDocs(t *testing.T, page, text string) (string, int) {
	blocks := docBlocks(text)
	if !slices.ContainsFunc(blocks, func(b docBlock) bool { return slices.ContainsFunc(b.lines, isCommand) }) {
		return text, 0
	}
	dir := docsRepository(t, page)
	for _, m := range docsMade {
		if regexp.MustCompile(`(?m)sigmac .*[ =]` + regexp.QuoteMeta(m.name) + `( |$)`).MatchString(text) {
			if out, status := runDoc(t, dir, m.command); status != 0 {
				t.Fatalf("%s: %s: status %d\n%s", page, m.command, status, out)
			}
		}
	}
	lines := strings.Split(text, "\n")
	var changes []func()
	ran := 0
	for _, b := range blocks {
		if b.prepare != "" {
			if out, status := runDoc(t, dir, b.prepare); status != 0 {
				t.Errorf("%s:%d: %s: status %d\n%s", page, b.line, b.prepare, status, out)
			}
		}
		if b.file != "" {
			path := filepath.Join(dir, filepath.FromSlash(b.file))
			err := os.MkdirAll(filepath.Dir(path), 0o777)
			if err == nil {
				err = os.WriteFile(path, []byte(strings.Join(b.lines, "\n")+"\n"), 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !slices.ContainsFunc(b.lines, isCommand) {
			continue
		}
		for i := 0; i < len(b.lines); i++ {
			command, shown := strings.CutPrefix(b.lines[i], "$ ")
			if !shown && !isCommand(command) {
				continue
			}
			if !shown && isSynopsis(command) {
				continue
			}
			ran++
			out, status := runDoc(t, dir, command)
			at := fmt.Sprintf("%s:%d: %s", page, b.line+i, command)
			if !shown {
				if status >= exitUsage {
					t.Errorf("%s: status %d\n%s", at, status, out)
				}
				continue
			}
			from := i + 1
			to := from
			for to < len(b.lines) && !strings.HasPrefix(b.lines[to], "$ ") {
				to++
			}
			i = to - 1
			if status < 0 {
				t.Errorf("%s: %s", at, out)
			}
			if want, have := strings.TrimRight(out, "\n"), strings.TrimRight(strings.Join(b.lines[from:to], "\n"), "\n"); want != have {
				if !*update {
					t.Errorf("%s prints\n%s\nand the page has\n%s", at, want, have)
				}
				first, last, blank := b.line-1+from, b.line-1+to, to < len(b.lines)
				changes = append(changes, func() {
					var fresh []string
					for l := range strings.SplitSeq(want, "\n") {
						fresh = append(fresh, strings.TrimRight(b.indent+l, " "))
					}
					if blank {
						fresh = append(fresh, "")
					}
					lines = slices.Replace(lines, first, last, fresh...)
				})
			}
		}
	}
	for _, change := range slices.Backward(changes) { // from the end, so that the places before stay
		change()
	}
	return strings.Join(lines, "\n"), ran
}

// TestJSONForms holds that each line of --json has the form that docs/json.md says, on rules of the documentation and on
// some that cannot be converted, matched or passed.
func TestJSONForms(t *testing.T) {
	needs(t, "bash", "git")
	src, err := os.ReadFile(filepath.Join(repositoryRoot, "docs", "json.md"))
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]*jsonschema.Schema{}
	for part := range strings.SplitSeq(string(src), "\n## ") {
		name, rest, _ := strings.Cut(part, "\n")
		for _, b := range docBlocks(rest) {
			if b.language != "json" {
				continue
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Join(b.lines, "\n")))
			c := jsonschema.NewCompiler()
			if err == nil {
				err = c.AddResource(name+".json", doc)
			}
			if err == nil {
				forms[name], err = c.Compile(name + ".json")
			}
			if err != nil {
				t.Fatalf("%s: %s", name, err)
			}
		}
	}
	dir := docsRepository(t, "README.md")
	wrong := "title: Wrong\nlogsource: {product: windows, category: process_creation}\ndetection:\n  a: {Image|endwith: b}\n  condition: a\n---\ntitle: Words\nlogsource: {product: windows, category: process_creation}\ndetection:\n  a: [word]\n  condition: a\n"
	files := map[string]string{"rules/wrong.yml": wrong, "rules/netsh.yml": "", "rules/netsh.nomatch.ndjson": ""}
	for to, from := range map[string]string{"rules/netsh.yml": "rule.yml", "rules/netsh.nomatch.ndjson": "events.ndjson"} {
		text, err := os.ReadFile(filepath.Join(dir, from))
		if err != nil {
			t.Fatal(err)
		}
		files[to] = string(text)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, commands := range map[string][]string{
		"convert": {"sigmac convert --json rules examples", "sigmac convert --json --without-pipeline --explain-loss rules", "sigmac convert -t kusto --json --lists-as lookup --list-min 2 rules"},
		"verify":  {"sigmac verify --json rules examples", "sigmac verify --json --without-pipeline rules", "sigmac verify -t kusto --query deployed.kql --json rule.yml"},
		"eval":    {"sigmac eval rules/netsh.yml rules/whoami.yml --events events.ndjson --json", "sigmac eval rule.yml --events events.ndjson --json --explain"},
		"test":    {"sigmac test rules --json"},
	} {
		if forms[name] == nil {
			t.Errorf("docs/json.md has no form of %s", name)
			continue
		}
		for _, command := range commands {
			out, _ := runDoc(t, dir, command+" 2> /dev/null")
			if strings.TrimSpace(out) == "" {
				t.Errorf("%s writes nothing", command)
			}
			for line := range strings.Lines(out) {
				v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
				if err == nil {
					err = forms[name].Validate(v)
				}
				if err != nil {
					t.Errorf("%s: %s\n%s", command, line, err)
				}
			}
		}
	}
	if len(forms) != 4 {
		t.Errorf("docs/json.md has %d forms", len(forms))
	}
}

// isSynopsis says whether a command line only names what may stand in it.
func isSynopsis(command string) bool {
	return regexp.MustCompile(`\b(COMMAND|TARGET|PATH|PATTERN|OPTIONS|NAME|FILE|OLD)\b|[a-z]\|[a-z]`).MatchString(strings.Split(command, " #")[0])
}

// runDoc runs a command line. What it serves is asked for once.
func runDoc(t *testing.T, dir, command string) (out string, status int) {
	command = strings.Replace(command, "go run ./cmd/sigmac", "sigmac", 1)
	if strings.HasPrefix(command, "sigmac init") {
		os.Remove(filepath.Join(dir, "sigmac.yaml"))
	}
	if strings.Contains(command, "catalog serve") { // it runs until it is interrupted
		command = "timeout -s INT 2 " + command + " || [ $? -eq 124 ]"
	}
	cmd := exec.Command("bash", "-c", "set -o pipefail; "+command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "SIGMAC_CORPUS=none", "NO_COLOR=1", "COLUMNS=100")
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return string(text), exit.ExitCode()
	}
	if err != nil {
		return err.Error(), -1
	}
	return string(text), 0
}

// jq is what the documentation shows of the command jq: a filter of JSON texts, with -r for raw texts.
func jq() {
	args := os.Args[1:]
	raw := len(args) > 0 && args[0] == "-r"
	if raw {
		args = args[1:]
	}
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "jq:", err)
		os.Exit(5)
	}
	if len(args) != 1 {
		fail(errors.New("one filter is needed"))
	}
	query, err := gojq.Parse(args[0])
	if err != nil {
		fail(err)
	}
	for d := json.NewDecoder(os.Stdin); ; {
		var v any
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fail(err)
		}
		for it := query.Run(v); ; {
			v, ok := it.Next()
			if !ok {
				break
			}
			if err, ok := v.(error); ok {
				fail(err)
			}
			text, isText := v.(string)
			if raw && isText {
				fmt.Println(text)
				continue
			}
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			enc.Encode(v)
			os.Stdout.Write(b.Bytes())
		}
	}
}
