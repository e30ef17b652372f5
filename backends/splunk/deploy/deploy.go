// Package deploy makes and reads the detections of Splunk: scheduled searches, and correlation
// searches of Enterprise Security. Its facts are those of savedsearches.conf.spec, and for
// Enterprise Security of the templates and models of splunk/contentctl; docs/deploy/splunk.md
// has them with their sources.
package deploy

import (
	"fmt"
	"strings"

	"sigmac/internal/deploy"
)

// Formats are the forms in which detections get there.
func Formats() []deploy.Format {
	common := []deploy.Option{
		{Name: "mode", Help: "scheduled searches, or correlation searches of Enterprise Security with notable and risk", Values: []string{scheduled, correlation}, Default: scheduled},
		{Name: "min_time", Help: "where every search begins, as -30d; in the place of what the schedule asks for"},
		{Name: "max_time", Help: "where every search ends, as now"},
	}
	app := append([]deploy.Option{
		{Name: "app", Help: "name of the app's folder", Default: "sigma_detections"},
		{Name: "label", Help: "name of the app as users see it", Default: "Sigma detections"},
		{Name: "version", Help: "version of the app", Default: "1.0.0"},
	}, common...)
	return []deploy.Format{
		{
			Name: "savedsearches", Description: "savedsearches.conf with a scheduled search for each query", Options: common, Extension: ".conf", Attack: attack, Own: own, Checks: checks,
			Write: writeSearches, Read: readFile, Audit: audit,
		},
		{
			Name: "splunk_app", Description: "an app with scheduled searches and their lookups", Options: app, Extension: ".tgz", Folder: true, Attack: attack, Own: own, Checks: checks,
			Write: writeApp, Read: readFile, Audit: audit,
		},
	}
}

// own are the settings that a rule may give by Splunk's names. The setting actions has the names
// of actions that are taken, as the server's exports do.
var own = []string{"action.*", "actions", "alert.*", "alert_condition", "allow_data_time_skew", "allow_skew", "counttype", "cron_schedule", "disabled",
	"dispatch.*", "dispatchAs", "display.*", "durable.*", "enableSched", "federated_providers", "is_visible", "max_concurrent", "quantity",
	"realtime_schedule", "relation", "request.*", "schedule_as", "schedule_priority", "schedule_window", "workload_pool"}

// The values of the option mode.
const (
	scheduled   = "scheduled"
	correlation = "correlation"
)

// attack is the version of ATT&CK that Enterprise Security enriches by: its lookups have the
// tactics of version 18 and before.
const attack = "18"

// searchesFile is the file of saved searches.
const searchesFile = "savedsearches.conf"

func writeSearches(rules []*deploy.Rule, o deploy.Options) ([]deploy.File, []deploy.Finding) {
	text, findings := searches(rules, o, searchesFile)
	for _, r := range rules {
		for _, l := range r.Lookups {
			findings = append(findings, found("splunk/lookup-apart", searchesFile, r.Title, "the search reads the lookup file %s, which stands beside this one: upload it too, or make a package with -f splunk_app", l.FileName()))
		}
	}
	return []deploy.File{{Path: searchesFile, Data: []byte(text)}}, findings
}

// found is a finding of a check.
func found(id, path, detection, format string, args ...any) deploy.Finding {
	return deploy.Finding{Check: checkOf(id), Path: path, Detection: detection, Msg: fmt.Sprintf(format, args...)}
}

// searches are the stanzas of rules as text.
func searches(rules []*deploy.Rule, o deploy.Options, path string) (string, []deploy.Finding) {
	var b strings.Builder
	var findings []deploy.Finding
	names := namesOf(rules)
	b.WriteString("# Sigma rules as searches of Splunk, made by sigmac.\n")
	for i, r := range rules {
		w := &writer{Rule: r, o: o, path: path, stanza: &stanza{name: names[i], keys: map[string]setting{}}}
		if plainText(r.Title) != names[i] {
			w.note("splunk/name-changed", "the name of the search is %q, since names are unique and have no brackets", names[i])
		}
		w.write()
		b.WriteByte('\n')
		w.stanza.write(&b)
		findings = append(findings, w.findings...)
	}
	return b.String(), findings
}

// namesOf are the names of the stanzas of rules: the titles, without the brackets that end a
// name, and with the id where another rule has the title too, or where it means all stanzas.
func namesOf(rules []*deploy.Rule) []string {
	out, count := make([]string, len(rules)), map[string]int{"default": 2, "": 2}
	for i, r := range rules {
		out[i] = plainText(strings.NewReplacer("[", " ", "]", " ").Replace(r.Title))
		count[strings.ToLower(out[i])]++
	}
	for i, r := range rules {
		if count[strings.ToLower(out[i])] > 1 {
			out[i] = plainText(out[i] + " (" + r.ID + ")")
		}
	}
	return out
}

// plainText is one line of text: control characters and runs of white space are one space.
func plainText(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), unseen), " ")
}
