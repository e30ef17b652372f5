package golden

import (
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/corpus"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/verify"
)

// TestMappedCorpus converts all public rules through each built-in pipeline and
// holds how many are converted, to which tables, why the others are refused, and
// that every query is proved, or agreed for a reason.
func TestMappedCorpus(t *testing.T) {
	rules := &parser.Collection{Documents: corpus.Rules(t)}
	got := map[string]map[string]int{}
	counted := append(ways, way{"windows_audit, ecs_windows", "elastic", "default", []string{"windows_audit", "ecs_windows"}},
		way{"pysigma_splunk_cim", "splunk", "data_model", []string{"pysigma_splunk_cim"}})
	for _, name := range pipeline.Builtins() {
		p, _ := pipeline.Builtin(name)
		if len(p.AllowedBackends) == 1 && !slices.ContainsFunc(counted, func(w way) bool { return slices.Contains(w.pipelines, name) }) {
			counted = append(counted, way{name, p.AllowedBackends[0], "default", []string{name}})
		}
	}
	for _, w := range counted {
		got[w.name] = w.count(t, rules)
	}
	corpus.Hold(t, "testdata/mapped.json", got, *update)
}

// count counts queries by their verdicts and what these rest on, and refused
// rules by the reason.
func (w way) count(t *testing.T, rules *parser.Collection) map[string]int {
	var results []sigmac.Result
	for res := range sigmac.Compile(rules, sigmac.Options{Mappings: []sigmac.Mapping{w.mapping(t)}}) {
		results = append(results, res)
	}
	counts := map[string]int{}
	for _, outcomes := range ordered.Map(results, func(res sigmac.Result) []string {
		if len(res.Errors) > 0 {
			pos, reason := why(res.Errors[0])
			if pos.Line == 0 || pos.Column == 0 {
				t.Errorf("%s: %s: an error without a place: %v", w.name, res.Document.Path, res.Errors[0])
			}
			return []string{"refused: " + reason}
		}
		out := []string{"converted"}
		if !rightRows(w, res) {
			t.Errorf("%s: %s: no condition says which rows are meant", w.name, res.Document.Path)
		}
		if s := res.Want.Scope; s != (ir.Scope{}) {
			out = append(out, "converted to "+s.Table+s.DataModel+s.Category)
		}
		for _, l := range res.Mapped.Trace.Losses {
			if !l.Declared {
				out = append(out, "loses "+l.ID)
			}
		}
		for i, q := range res.Queries {
			v, err := verify.Query(res.Target, res.Want, i, q, verify.DefaultBudget)
			switch {
			case err != nil:
				out = append(out, "error")
				t.Errorf("%s: %s: %s\n%v", w.name, res.Document.Path, q, err)
			case v.Verdict == verify.Refuted:
				t.Errorf("%s: %s: %s\nrefuted by %v", w.name, res.Document.Path, q, v.Counterexample)
			}
			out = append(out, strings.TrimSuffix(v.Verdict.String()+": "+v.Reason, ": "))
			for _, a := range v.Assumptions {
				out = append(out, "assumes "+a)
			}
			for _, l := range v.Losses {
				out = append(out, "loses "+l.ID)
			}
		}
		return out
	}) {
		for _, o := range outcomes {
			counts[o]++
		}
	}
	return counts
}

// oneKind are the tables in which every row is of the log sources that a
// pipeline sends there.
var oneKind = strings.Fields("SigninLogs AuditLogs AzureActivity AADUserRiskEvents AWSCloudTrail GCPAuditLogs AKSAudit OfficeActivity W3CIISLog Syslog ApacheHTTPServer_CL NGINX_CL " +
	"OktaV2_CL GitHubAuditLogsV3_CL OneLogin_CL CiscoDuo_CL " +
	"Corelight_v2_dns_CL Corelight_v2_http_CL Corelight_v2_smb_files_CL Corelight_v2_dce_rpc_CL Corelight_v2_x509_CL Corelight_v2_rdp_CL Corelight_v2_kerberos_CL " +
	"Corelight_v3_dns_CL Corelight_v3_http_CL Corelight_v3_smb_files_CL Corelight_v3_dce_rpc_CL Corelight_v3_x509_CL Corelight_v3_rdp_CL Corelight_v3_kerberos_CL")

// rightRows says whether every condition of a mapped rule has a conjunct of the
// pipeline, which stands at the place of the log source, or the table has no
// other rows.
func rightRows(w way, res sigmac.Result) bool {
	scope := res.Want.Scope
	source := res.Document.Rule.Source
	switch {
	case slices.Contains(oneKind, scope.Table), scope.DataModel != "":
		return true
	case w.name == "windows_logsources" && source.Product != "windows":
		return true // left alone
	case strings.HasPrefix(w.name, "pysigma_"):
		return true // which leaves many log sources untested
	}
	for _, c := range res.Want.Conditions {
		and, ok := c.Expr.(ir.And)
		if !ok || !slices.ContainsFunc(and, func(e ir.Expr) bool { return added(e, source.Pos) }) {
			return false
		}
	}
	return true
}

// added says whether all tests of e are a pipeline's.
func added(e ir.Expr, at ir.Pos) bool {
	all, some := true, false
	ir.Walk(e, func(e ir.Expr) {
		some = true
		m, ok := e.(ir.Match)
		all = all && ok && m.Pos == at
	})
	return all && some
}

// why is the place and the reason of an error, without the texts that differ
// from rule to rule.
func why(e *ir.Diagnostic) (ir.Pos, string) {
	if e.Source == "pipeline" {
		msg, _, _ := strings.Cut(e.Msg, "; the nearest")
		return e.Pos, msg
	}
	for _, prefix := range []string{"the unresolved placeholder ", "the text "} {
		if strings.HasPrefix(e.Feature, prefix) {
			return e.Pos, strings.TrimSpace(prefix)
		}
	}
	return e.Pos, e.Feature
}
