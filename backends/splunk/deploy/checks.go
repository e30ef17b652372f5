package deploy

import (
	"slices"

	"sigmac/internal/deploy"
)

const (
	spec     = "savedsearches.conf.spec"
	ctl      = "contentctl"
	inspect  = "Splunk AppInspect, for Splunk Cloud"
	asError  = "error"
	asWarn   = "warning"
	asNote   = "note"
	safe     = "Securing Splunk Enterprise 10.2: Commands that trigger SPL safeguards"
	confForm = "sigmac: docs/deploy/splunk.md, Form of the file"
)

// checks are what is judged of a package. What Write tells of is among them.
var checks = []deploy.Check{
	{ID: "attack/version", Severity: asNote, What: "tactics and techniques are those of the version of ATT&CK that Enterprise Security knows", Source: "MITRE ATT&CK 18 and 19"},
	{ID: "splunk/action-none", Severity: asWarn, What: "somebody learns of an alert: an action is on, or it is tracked", Source: spec + ": alert.track"},
	{ID: "splunk/all-time", Severity: asWarn, What: "a scheduled search says where it begins: without, it looks at all time", Source: spec + ": dispatch.earliest_time"},
	{ID: "splunk/annotations", Severity: asError, What: "the annotations of a correlation search are JSON, with ids of techniques", Source: ctl + ": savedsearches_detections.j2"},
	{ID: "splunk/app", Severity: asError, What: "an app has default/app.conf with a version of three numbers and the name of its folder as id", Source: "app.conf.spec"},
	{ID: "splunk/app-name", Severity: asError, What: "the name of an app is that of a folder: letters, digits, and _ . - behind a letter, without the ending of an archive, and no app of Splunk's own", Source: inspect + ": package id, default apps"},
	{ID: "splunk/cloud-action", Severity: asWarn, What: "a search neither runs a script nor fills a lookup as an action, which Splunk Cloud refuses", Source: inspect + ": action.script.filename, action.populate_lookup"},
	{ID: "splunk/cloud-text", Severity: asWarn, What: "no text of an app has a command that Splunk Cloud refuses apps for, also where a search looks for it: rm -rf", Source: inspect + ": destructive commands"},
	{ID: "splunk/command-risky", Severity: asWarn, What: "a search has no command that runs other searches or trains a model", Source: safe},
	{ID: "splunk/command-writes", Severity: asError, What: "a search has no command that changes, deletes or sends data, or runs a program", Source: safe},
	{ID: "splunk/control-character", Severity: asError, What: "a search is UTF-8 text without control characters", Source: confForm},
	{ID: "splunk/cron", Severity: asError, What: "a scheduled search has a schedule of five fields, without names of months and days", Source: spec + ": cron_schedule"},
	{ID: "splunk/default-stanza", Severity: asWarn, What: "no settings stand in [default] or before the first stanza, from where they get into the searches of other apps", Source: spec + ": global settings"},
	{ID: "splunk/duplicate-name", Severity: asError, What: "the name of each search is unique in its app", Source: spec + ": stanza name"},
	{ID: "splunk/duplicate-setting", Severity: asWarn, What: "a search has each setting once: of several, the last holds", Source: spec + ": global settings"},
	{ID: "splunk/enable-sched", Severity: asError, What: "enableSched is 0 or 1", Source: spec + ": enableSched"},
	{ID: "splunk/entity-column", Severity: asWarn, What: "the columns of entities are columns of the results", Source: ctl + ": objects/rba.py"},
	{ID: "splunk/expires", Severity: asWarn, What: "alert.expires is a length of time", Source: spec + ": alert.expires"},
	{ID: "splunk/field", Severity: asWarn, What: "a search of a data model of the CIM asks for fields that its dataset has", Source: "Common Information Model Add-on Manual"},
	{ID: "splunk/frequency", Severity: asNote, What: "a schedule runs at even times of the hour or the day", Source: spec + ": cron_schedule"},
	{ID: "splunk/gap", Severity: asWarn, What: "a search looks at least as far back as its last run", Source: spec + ": dispatch.earliest_time"},
	{ID: "splunk/line-end", Severity: asError, What: "no line of a search ends in a backslash, by which a file goes on in the next line", Source: confForm},
	{ID: "splunk/lookup", Severity: asWarn, What: "the lookups of a search are in the app", Source: "transforms.conf.spec: filename"},
	{ID: "splunk/lookup-apart", Severity: asWarn, What: "lookups go with the searches that read them", Source: "transforms.conf.spec: filename"},
	{ID: "splunk/lookup-name", Severity: asError, What: "two lookups of an app have different names, which are those of files", Source: "transforms.conf.spec: filename"},
	{ID: "splunk/macro", Severity: asWarn, What: "the macros of a search are in the app", Source: "macros.conf.spec"},
	{ID: "splunk/multi-line", Severity: asWarn, What: "a search is one line: the command savedsearch does not take more", Source: spec + ": search"},
	{ID: "splunk/name", Severity: asError, What: "a search has a name of one line, without brackets, that is not default", Source: spec + ": stanza name"},
	{ID: "splunk/name-changed", Severity: asNote, What: "the name of a search is the title of its rule", Source: spec + ": stanza name"},
	{ID: "splunk/name-length", Severity: asWarn, What: "the name of a correlation search has at most 99 characters, and 81 to be cloned", Source: ctl + ": objects/constants.py"},
	{ID: "splunk/no-risk-object", Severity: asWarn, What: "risk is of a user or a system", Source: ctl + ": objects/rba.py"},
	{ID: "splunk/not-scheduled", Severity: asWarn, What: "a search runs on a schedule: enableSched is 0 where it is not said", Source: spec + ": enableSched"},
	{ID: "splunk/notable", Severity: asError, What: "a notable has a title, and a domain and a severity of Enterprise Security's", Source: ctl + ": savedsearches_detections.j2, objects/enums.py"},
	{ID: "splunk/notable-column", Severity: asWarn, What: "the columns that a notable shows are columns of the results", Source: ctl + ": savedsearches_detections.j2"},
	{ID: "splunk/own-setting", Severity: asError, What: "settings by Splunk's names have such a name, and are not made of the rule", Source: spec},
	{ID: "splunk/real-time", Severity: asWarn, What: "no period is skipped: realtime_schedule is 0", Source: spec + ": realtime_schedule"},
	{ID: "splunk/real-time-search", Severity: asWarn, What: "a scheduled search is none in real time, which Splunk Cloud refuses", Source: inspect + ": real-time saved searches"},
	{ID: "splunk/risk", Severity: asError, What: "risk is JSON with a user, a system or another object, scores from 1 to 100, and threat objects of known types", Source: ctl + ": objects/rba.py"},
	{ID: "splunk/schedule-window", Severity: asWarn, What: "schedule_window is auto, or minutes shorter than the period, and not together with a priority", Source: spec + ": schedule_window"},
	{ID: "splunk/severity", Severity: asError, What: "alert.severity is a number from 1 to 6", Source: spec + ": alert.severity"},
	{ID: "splunk/suppress", Severity: asError, What: "suppression has a period, and columns where each result raises an alert", Source: spec + ": alert.suppress"},
	{ID: "splunk/suppress-column", Severity: asWarn, What: "the columns by which alerts are alike are columns of the results", Source: spec + ": alert.suppress.fields"},
	{ID: "splunk/time-range", Severity: asError, What: "a search begins before it ends", Source: spec + ": dispatch.earliest_time"},
	{ID: "splunk/token", Severity: asWarn, What: "each $field$ in a text is a column of the results", Source: ctl + ": objects/abstract_security_content_objects"},
	{ID: "splunk/too-often", Severity: asWarn, What: "a search runs at most twelve times an hour", Source: inspect + ": gratuitous cron scheduling"},
	{ID: "splunk/trigger", Severity: asError, What: "what raises an alert is one of Splunk's conditions, and whole", Source: spec + ": counttype"},
	{ID: "splunk/unknown-entity", Severity: asWarn, What: "entities are of types that Enterprise Security has objects for", Source: ctl + ": objects/rba.py"},
	{ID: "splunk/unknown-setting", Severity: asWarn, What: "settings by Splunk's names are known to Splunk", Source: spec},
}

// checkOf is the check of an id that is known.
func checkOf(id string) deploy.Check {
	return checks[slices.IndexFunc(checks, func(c deploy.Check) bool { return c.ID == id })]
}

// writing are the commands that change, delete or send data or run programs, and what they do
// (Commands that trigger SPL safeguards; of the AI Toolkit: Search commands for machine learning
// safeguards; the rest: Search Reference).
var writing = map[string]string{
	"collect": "writes into an index", "mcollect": "writes into an index", "meventcollect": "writes into an index", "tscollect": "writes into an index",
	"delete": "deletes events", "dump": "writes files", "outputcsv": "writes a file", "outputtext": "writes a file", "outputlookup": "changes a lookup",
	"script": "runs a program", "run": "runs a program", "runshellscript": "runs a program", "sendalert": "runs an action", "sendemail": "sends mail",
	"deletemodel": "deletes a model", "ai": "sends data to a service", "aiagent": "sends data to a service", "dbxoutput": "changes a database",
}

// running are those that run something within Splunk.
var running = map[string]string{"map": "runs a search that results are put into", "fit": "trains a model"}
