package drift

import (
	"slices"

	"sigmac"
	"sigmac/internal/delivery"
	"sigmac/ir"
)

// Pack adds a result to a package, and gives the rules that it is, a detection each, as they are
// read back. One that has none says why; its faults are those of the package.
func Pack(p *delivery.Packer, res sigmac.Result) (out []*Rule, faults []*ir.Diagnostic) {
	d := res.Document
	rule := Rule{Path: d.Path, Pos: d.Pos, ID: d.ID, Title: d.Title, Result: res}
	switch {
	case d.Rule != nil:
		rule.Meta = d.Rule.Meta
	case d.Correlation != nil:
		rule.Meta = d.Correlation.Meta
	}
	before := len(p.Rules())
	why, _, faults := p.Add(res)
	if all := append(slices.Clip(res.Errors), faults...); len(all) > 0 {
		rule.Reason = all[0].Text()
		return []*Rule{&rule}, faults
	}
	if rule.Left, rule.Reason = why != "", why; rule.Left {
		return []*Rule{&rule}, nil
	}
	for i, of := range p.Rules()[before:] {
		one := rule
		one.Query, one.Title = i, of.Title
		var err error
		if one.Detection, err = p.Detection(of); err != nil {
			one.Reason = err.Error()
			faults = append(faults, d.Place(&ir.Diagnostic{Pos: d.Pos, Msg: err.Error(), Source: p.Format.Name}))
		}
		out = append(out, &one)
	}
	return out, faults
}
