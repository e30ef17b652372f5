package read

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/corpus"
	"sigmac/ir"
)

var update = flag.Bool("update", false, "rewrite testdata/read.json")

// A readSummary counts what the corpus's queries read as.
type readSummary struct {
	Files         int
	Several       int            // of them with several queries
	Read          int            // files with a query with at least one conjunct that is not opaque
	Refused       map[string]int // by message, without what it quotes
	OnlyOpaque    int
	NoFilter      map[string]int // by the first stage
	Opaque        map[string]int // predicates inside the filters, by how they begin
	OpaqueInside  int
	Computed      int // of these
	OtherInFilter int // tests that are not opaque
}

// TestReadCorpus reads queries that people wrote. The corpus is no part of the
// project.
func TestReadCorpus(t *testing.T) {
	got := readSummary{Refused: map[string]int{}, NoFilter: map[string]int{}, Opaque: map[string]int{}}
	for _, path := range corpus.Files(t, ".kql", "kusto") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got.add(t, path, string(text))
	}
	if 5*got.Read < 4*got.Files {
		t.Errorf("%d of %d files are read", got.Read, got.Files)
	}
	corpus.Hold(t, "testdata/read.json", got, *update)
}

func (s *readSummary) add(t *testing.T, path, query string) {
	s.Files++
	qs, err := ReadBatch(query, nil)
	if err != nil {
		var e *ir.Diagnostic
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", path, err)
		}
		t.Logf("%s: %v", path, err)
		msg := e.Msg
		for _, cut := range []string{", found ", "unexpected character", "unknown command", "no escape", "a second let", "regular expression"} {
			if i := strings.Index(msg, cut); i >= 0 {
				msg = strings.TrimRight(msg[:i]+strings.TrimPrefix(cut, ", found "), " ")
			}
		}
		s.Refused[msg]++
		return
	}
	if len(qs) > 1 {
		s.Several++
	}
	var all []ir.Expr
	read := false
	for _, q := range qs {
		conjuncts := []ir.Expr{q.Where}
		if and, ok := q.Where.(ir.And); ok {
			conjuncts = and
		}
		all = append(all, conjuncts...)
		read = read || slices.ContainsFunc(conjuncts, looks)
	}
	switch {
	case read:
		s.Read++
	case len(all) == 0:
		first := "nothing"
		if len(qs[0].Unjudged()) > 0 {
			first = qs[0].Unjudged()[0].Name
		}
		s.NoFilter[first]++
	default:
		s.OnlyOpaque++
		t.Logf("%s: only opaque: %s", path, all)
	}
	ir.Walk(ir.And(all), func(e ir.Expr) {
		o, opaque := e.(ir.Opaque)
		if !opaque {
			s.OtherInFilter++
			return
		}
		s.OpaqueInside++
		if o.Of != nil {
			s.Computed++
		}
		text := o.Text[strings.LastIndex(o.Text, "; ")+1:]
		s.Opaque[opaqueKind(strings.TrimSpace(text))]++
		t.Logf("%s: opaque: %s", path, o.Text)
	})
}

// looks says whether something of e is about more than tables.
func looks(e ir.Expr) (found bool) {
	ir.Walk(e, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		_, opaque := e.(ir.Opaque)
		found = found || !opaque && !(ok && m.Field.Name == ir.TableField)
	})
	return found
}

func opaqueKind(text string) string {
	switch low := strings.ToLower(text); {
	case strings.HasPrefix(low, "union"):
		return "union"
	case strings.Contains(low, "ago(") || strings.Contains(low, "now(") || strings.Contains(low, "timestamp") || strings.Contains(low, "timegenerated"):
		return "time"
	case strings.Contains(low, "externaldata"):
		return "externaldata"
	case strings.Contains(low, "(") && strings.Index(low, "(") > 0 && !strings.Contains(low[:strings.Index(low, "(")], " "):
		return "function"
	case strings.Contains(low, " in ") || strings.Contains(low, " in~ ") || strings.Contains(low, " has_any"):
		return "in"
	}
	return "other"
}
