package pipeline

import (
	"errors"
	"path"

	"gopkg.in/yaml.v3"

	"sigmac/internal/jinja"
)

// A templatePost is a template in the language of Jinja. It reads no file but
// those below its path.
type templatePost struct {
	text     string // or, with path, the name of a file
	path     string
	escape   bool
	pipeline string // the file that it stands in
}

func (p *params) jinja() templatePost {
	x := templatePost{text: p.text("template"), path: p.textOr("path", ""), escape: p.flag("autoescape", false), pipeline: p.path}
	if n := p.take("vars"); n != nil {
		p.Fail(n, "vars of a template are a Python file, which is not run; put them into the vars of the pipeline")
	}
	p.granted("allow_template_vars")
	p.granted("vars_allowed_paths")
	n := p.take("template")
	if n == nil || n.Kind != yaml.ScalarNode {
		return x
	}
	if x.path == "" {
		if err := x.template(Options{}).Check(); err != nil {
			p.Fail(n, "not a template: %s", err)
		}
	}
	return x
}

func (x templatePost) template(o Options) jinja.Template {
	if x.path != "" {
		return jinja.Template{Name: x.text, Escape: x.escape, Read: func(name string) ([]byte, error) { return o.read(x.pipeline, path.Join(x.path, name)) }}
	}
	return jinja.Template{Name: "template", Escape: x.escape, Read: func(name string) ([]byte, error) {
		if name != "template" {
			return nil, errors.New("a template without path includes no file")
		}
		return []byte(x.text), nil
	}}
}

func (x templatePost) change(r *run, q string) (string, error) {
	return x.template(r.Options).Execute(r.data(q))
}

func (x templatePost) finalize(r *run, all []string) (string, error) {
	return x.template(r.Options).Execute(map[string]any{"queries": list(all), "pipeline": native(r.pipeline.data(r.state))})
}
