package schema

import (
	"errors"
	"strings"
	"testing"

	"sigmac/ir"
	"sigmac/targets"
)

// TestEQLOfECS holds that conditions over each field of ECS are read or refused, and
// that no field is read of which EQL has no test: flattened ones, those below nested
// ones, and others without values.
func TestEQLOfECS(t *testing.T) {
	ecs, ok := Builtin("ecs")
	if !ok {
		t.Fatal("no schema ecs")
	}
	catalog := For(targets.Must("elastic"))
	columns := byName(ecs.table("*"))
	counts := map[string]int{}
	for name, typ := range columns {
		refused := strings.Contains(" nested flattened geo_point unindexed object ", " "+typ+" ")
		for i := range name {
			refused = refused || name[i] == '.' && columns[name[:i]] == "nested"
		}
		if refused {
			counts[typ]++
		}
		for _, condition := range []string{`F == null`, `F == "1"`, `F : "a*"`, `F > "now-5m"`, `1 <= F`, `F`, `length(F) > 1`, `string(F) : "a"`, `not F in (1)`} {
			q, err := targets.Must("elastic").Read("any where "+strings.ReplaceAll(condition, "F", "`"+strings.ReplaceAll(name, ".", "`.`")+"`"), catalog)
			var e *ir.Diagnostic
			switch {
			case err != nil && !errors.As(err, &e):
				t.Fatal(name, err)
			case err == nil && refused:
				t.Errorf("%s of type %s: %s", name, typ, q.Where)
			case err != nil && !refused && condition == `F == null`:
				t.Errorf("%s of type %s: %v", name, typ, err)
			}
		}
		if got, _ := catalog.Type("", name); (got == ir.Other) != refused {
			t.Errorf("%s of type %s is read as of type %s", name, typ, got)
		}
	}
	if counts["flattened"] < 20 || counts["keyword"] < 20 || counts["nested"] < 10 {
		t.Error("too few fields that EQL cannot test: ", counts)
	}
	for _, name := range []string{"dll.pe.imports.any", "process.elf.sections.other"} {
		if got, _ := catalog.Type("", name); got != ir.Other {
			t.Errorf("%s is read as of type %s", name, got)
		}
	}
}

// TestEQLOfIntegrations holds that the fields of integrations are read or refused by
// their types: those that EQL has no test for, and what is below them, are of no type,
// and the others have no name that ECS has too.
func TestEQLOfIntegrations(t *testing.T) {
	own, ok := Builtin("ecs_integrations")
	if !ok {
		t.Fatal("no schema ecs_integrations")
	}
	ecs, _ := Builtin("ecs")
	catalog := For(targets.Must("elastic"))
	counts := map[string]int{}
	for name, typ := range byName(own.table("*")) {
		if ecs.table("*").typ(name) != "" {
			t.Errorf("ecs has the field %s too", name)
		}
		counts[typ]++
		refused := typ == "flattened" || typ == "nested"
		for _, name := range []string{name, name + ".below"} {
			got, _ := catalog.Type("", strings.ReplaceAll(name, ".*", ".x"))
			if (got == ir.Other) != refused {
				t.Errorf("%s of type %s is read as of type %s", name, typ, got)
			}
			r := &ir.Rule{Detections: []ir.Detection{{Expr: ir.Match{Field: ir.Field{Name: name}, Test: ir.Lit("a")}}}}
			if _, _, err := catalog.Apply(r, ""); refused && err == nil {
				t.Errorf("a test of %s of type %s is not refused", name, typ)
			}
		}
	}
	if counts["flattened"] < 10 || counts["nested"] < 3 || counts["keyword"] < 50 {
		t.Error("too few fields: ", counts)
	}
}
