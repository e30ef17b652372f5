package deploy

import (
	"slices"
	"strconv"
	"strings"

	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// lookupName is a name that a file and a stanza can have.
var lookupName = lazy.Regexp(`^[A-Za-z0-9_-]+$`)

// writeApp makes an app in a folder of its name.
func writeApp(rules []*deploy.Rule, o deploy.Options) ([]deploy.File, []deploy.Finding) {
	name := o.Values["app"]
	if !appName(name) {
		return nil, []deploy.Finding{found("splunk/app-name", "", "", "%q cannot be the name of an app", name)}
	}
	path := name + "/default/" + searchesFile
	text, findings := searches(rules, o, path)
	files := []deploy.File{
		{Path: name + "/default/app.conf", Data: []byte(appConf(name, rules, o))},
		{Path: path, Data: []byte(text)},
	}
	var transforms strings.Builder
	written := map[string]ir.Lookup{}
	for _, r := range rules {
		for _, l := range r.Lookups {
			before, has := written[l.Name]
			switch {
			case !lookupName().MatchString(l.Name):
				findings = append(findings, found("splunk/lookup-name", path, r.Title, "%q cannot be the name of a lookup", l.Name))
			case !has:
				written[l.Name] = l
				s := &stanza{name: l.Name, keys: map[string]setting{}}
				s.set("filename", l.FileName())
				s.set("case_sensitive_match", "false") // as Sigma compares
				s.write(&transforms)
				files = append(files, deploy.File{Path: name + "/lookups/" + l.FileName(), Data: l.CSV()})
			case !slices.Equal(before.Columns, l.Columns) || !slices.EqualFunc(before.Rows, l.Rows, slices.Equal[[]string]):
				findings = append(findings, found("splunk/lookup-name", path, r.Title, "another rule has a lookup %s with other rows", l.Name))
			}
		}
	}
	if transforms.Len() > 0 {
		files = append(files, deploy.File{Path: name + "/default/transforms.conf", Data: []byte(transforms.String())})
	}
	files = append(files, deploy.File{Path: name + "/metadata/default.meta", Data: []byte(defaultMeta)})
	slices.SortFunc(files, func(a, b deploy.File) int { return strings.Compare(a.Path, b.Path) })
	return files, findings
}

// defaultMeta shares the searches and lookups with other apps, as contentctl does: correlation
// searches are edited in Enterprise Security, which is another app.
const defaultMeta = `[]
access = read : [ * ], write : [ admin, sc_admin ]
export = system

[savedsearches]
owner = admin
`

// appConf describes the app. Its build is the sum of the versions of its searches.
func appConf(name string, rules []*deploy.Rule, o deploy.Options) string {
	build := 0
	for _, r := range rules {
		if o.Version == nil {
			build++
		} else {
			build += o.Version(r.ID)
		}
	}
	label, version := plainText(o.Values["label"]), plainText(o.Values["version"])
	var b strings.Builder
	for i, s := range []struct {
		name string
		keys []string
	}{
		{"install", []string{"build", strconv.Itoa(build), "is_configured", "false", "state", "enabled"}},
		{"ui", []string{"is_visible", "false", "label", label}},
		{"launcher", []string{"author", "sigmac", "description", label, "version", version}},
		{"package", []string{"check_for_updates", "false", "id", name}},
		{"id", []string{"name", name, "version", version}},
	} {
		if i > 0 {
			b.WriteByte('\n')
		}
		st := &stanza{name: s.name, keys: map[string]setting{}}
		for i := 0; i < len(s.keys); i += 2 {
			st.set(s.keys[i], s.keys[i+1])
		}
		st.write(&b)
	}
	return b.String()
}
