package drift

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/internal/deploy"
	"sigmac/internal/ordered"
	"sigmac/ir"
)

// A Form is one in which detections are deployed, and its target.
type Form struct {
	Target *backends.Target
	deploy.Format
}

// Forms are those of some targets.
func Forms(targets []*backends.Target) (out []Form) {
	for _, t := range targets {
		for _, f := range t.Packages {
			out = append(out, Form{t, f})
		}
	}
	return out
}

func names(forms []Form) string {
	var out []string
	for _, f := range forms {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}

// A reading is what one form says of a file.
type reading struct {
	form Form
	ds   []*deploy.Detection
	err  error
}

// Read reads what is deployed, in that of some forms which its content has: the first of a target
// that has detections there. It is an error if it has none, or those of several targets; of one
// form, it is that of its reader. Option is what names a form, for messages.
func Read(f deploy.File, forms []Form, option string) (Form, []*deploy.Detection, error) {
	var by [][]Form // a target each
	for _, form := range candidates(f.Data, forms) {
		i := slices.IndexFunc(by, func(fs []Form) bool { return fs[0].Target == form.Target })
		if i < 0 {
			i, by = len(by), append(by, nil)
		}
		by[i] = append(by[i], form)
	}
	var all, read, with []reading
	for _, rs := range ordered.Map(by, func(forms []Form) (rs []reading) {
		for _, form := range forms {
			ds, err := form.Read(f)
			if rs = append(rs, reading{form, ds, err}); err == nil && len(ds) > 0 {
				break
			}
		}
		return rs
	}) {
		for _, r := range rs {
			all = append(all, r)
			if r.err == nil {
				read = append(read, r)
			}
			if r.err == nil && len(r.ds) > 0 {
				with = append(with, r)
			}
		}
	}
	fault := func(format string, args ...any) (Form, []*deploy.Detection, error) {
		return Form{}, nil, fmt.Errorf("%s: %s", f.Path, fmt.Sprintf(format, args...))
	}
	switch {
	case len(all) == 1 && all[0].err != nil:
		return Form{}, nil, all[0].err
	case len(with) > 1:
		return fault("it can be read as %s and as %s: say which by %s", with[0].form.Name, with[1].form.Name, option)
	case len(with) > 0:
		return with[0].form, with[0].ds, nil
	case len(read) == 1:
		return read[0].form, nil, nil
	case len(read) > 1:
		return fault("it holds no detection, in whichever form it is: say which by %s, of %s", option, names(forms))
	}
	// A reader whose files are called so knows best what is wrong, and of these the one that came
	// farthest.
	called := func(r reading) int {
		if r.form.Extension == path.Ext(f.Path) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b reading) int {
		return cmp.Or(cmp.Compare(called(a), called(b)), cmp.Compare(place(b.err), place(a.err)))
	})
	msg := "it is none of the forms that sigmac reads (" + names(forms) + ")"
	if len(all) > 0 {
		return fault("%s\nas %s: %s", msg, all[0].form.Name, all[0].err)
	}
	return fault("%s", msg)
}

// place is how far a reader came.
func place(err error) int {
	if e := (*ir.Diagnostic)(nil); errors.As(err, &e) {
		return e.Pos.Line<<20 + e.Pos.Column
	}
	return 0
}

// candidates are the forms whose files can begin as data does. JSON is YAML too, and no one
// writes it for a form in YAML or TOML.
func candidates(data []byte, forms []Form) []Form {
	if !isJSON(data) || len(forms) == 1 {
		return forms
	}
	return slices.DeleteFunc(slices.Clone(forms), func(f Form) bool {
		return slices.Contains([]string{".yaml", ".yml", ".toml"}, f.Extension)
	})
}

// isJSON says whether data begins as an object does, or a list of these; a list of another
// kind is how a stanza or a table begins elsewhere.
func isJSON(data []byte) bool {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	if rest, ok := bytes.CutPrefix(data, []byte("[")); ok {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		return bytes.HasPrefix(rest, []byte("{")) || bytes.HasPrefix(rest, []byte("]"))
	}
	return bytes.HasPrefix(data, []byte("{"))
}
