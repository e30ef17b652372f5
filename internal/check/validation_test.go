package check

import (
	"strings"
	"testing"
)

func TestValidator(t *testing.T) {
	for name, want := range map[string]string{"attacktag": "attacktag", "AttackTag": "attacktag", "sigmahq_title_length": "title_length",
		"sigmahq_invalid_fieldname": "invalid_fieldname", "title_length": "", "sigmahq_attacktag": "", "never_matches": "", "sigmahq_schema": ""} {
		if c, ok := Validator(name); ok != (want != "") || ok && c.ID != want {
			t.Errorf("%s is %s, %v", name, c.ID, ok)
		}
	}
	for _, id := range strings.Fields(core + " " + hqToo) {
		if _, ok := Lookup(id); !ok {
			t.Errorf("no check is named %s", id)
		}
	}
}

func TestValidation(t *testing.T) {
	const name = "proc_creation_win_a.yml"
	rule := strings.Replace(strings.Replace(sound, "title: Suspicious", "title: "+strings.Repeat("Very ", 30)+"Suspicious", 1), "tlp.clear", "tlp.white", 1)
	for _, c := range []struct{ config, profile, want string }{
		{"", "sigmahq", ""},
		{"validators: [all]", "", "tlpv2_tag"},
		{"validators: [sigmahq_title_length]", "", "title_length"},
		{"validators: [all]", "sigmahq", "title_length tags_tlp tlpv2_tag"},
		{"validators: [all, -sigmahq_title_length]", "sigmahq", "tags_tlp tlpv2_tag"},
		{"validators: [-sigmahq_title_length, all]", "sigmahq", "title_length tags_tlp tlpv2_tag"},
		{"validators: [sigmahq_title_length, sigmahq_tags_tlp]\nexclusions: {0A4BA5E8-6d1c-4f7e-9f9d-5b1f7c1f7e10: sigmahq_title_length}", "", "tags_tlp"},
		{"validators: [sigmahq_title_length]\nexclusions: {~: [sigmahq_title_length]}", "", "title_length"},
		{"validators: [sigmahq_title_length]\nconfig: {sigmahq_title_length: {max_length: 300}}", "", ""},
		{"validators: [filename_length]\nconfig: {filename_length: {max_size: 12}}", "", "filename_length"},
	} {
		v, errs := ParseValidation("v.yml", []byte(c.config))
		if len(errs) > 0 {
			t.Errorf("%s: %v", c.config, errs)
			continue
		}
		o := Options{Profile: c.profile, Severity: map[string]string{}}
		v.Apply(&o)
		var got []string
		for _, f := range Run([]File{{Path: name, Name: name, Data: []byte(rule)}}, o) {
			got = append(got, f.Code)
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s, profile %s: %s, want %s", c.config, c.profile, got, c.want)
		}
	}
}

// TestValidationOwn holds that what is sigmac's own stays on, whatever validators are named.
func TestValidationOwn(t *testing.T) {
	v, _ := ParseValidation("v.yml", nil)
	o := Options{Severity: map[string]string{}}
	v.Apply(&o)
	for _, c := range Checks {
		if got := o.severity(&c); c.Validator() != "" && got != Off || c.Validator() == "" && got != c.Severity {
			t.Errorf("%s: %s", c.ID, got)
		}
	}
}

func TestValidationErrors(t *testing.T) {
	for config, want := range map[string]string{
		"validators: [al]":                             `v.yml:1:14: unknown validator "al"`,
		"validators: [attacktg]":                       `v.yml:1:14: unknown validator "attacktg"; did you mean "attacktag"?`,
		"validators: all":                              "v.yml:1:13: validators are a list of names",
		"validatrs: []":                                `v.yml:1:1: unknown key "validatrs"; did you mean "validators"?`,
		"- all":                                        "v.yml:1:1: a configuration of validators is one mapping, with validators, exclusions and config",
		"exclusions: {a: nothing}":                     `v.yml:1:17: unknown validator "nothing"`,
		"config: {attacktag: {x: 1}}":                  `v.yml:1:22: the check attacktag has no setting "x" in sigmac`,
		"config: {filename_length: {max_siz: 1}}":      `v.yml:1:28: the check filename_length has no setting "max_siz" in sigmac; did you mean "max_size"?`,
		"config: {filename_length: {max_size: long}}":  "v.yml:1:38: the setting max_size is a whole number",
		"config: {filename_length: 3}":                 "v.yml:1:27: the settings of filename_length are a mapping",
		"validators: [all, never_matches]\nconfig: []": `v.yml:1:19: unknown validator "never_matches"`,
	} {
		if _, errs := ParseValidation("v.yml", []byte(config)); len(errs) == 0 || errs[0].Error() != want {
			t.Errorf("%s: %v, want %s", config, errs, want)
		}
	}
}
