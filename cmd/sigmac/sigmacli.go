package main

import (
	"slices"
	"strings"

	"sigmac/internal/project"
	"sigmac/targets"
)

// An answer is what is said to a command of sigma-cli that sigmac does not need.
type answer struct {
	status int
	text   string
}

// builtIn are plugins of sigma-cli that are part of sigmac under other names than its targets and pipelines.
var builtIn = []string{"windows", "sigmahq"}

// answered is what is said to a command of sigma-cli; ok is false for another.
func answered(words []string) (a answer, ok bool) {
	sub := ""
	if len(words) > 1 {
		sub = words[1]
	}
	switch words[0] {
	case "pysigma":
		return answer{exitOK, "nothing to do: sigmac is one program, without pySigma and without a cache"}, true
	case "plugin":
	default:
		return a, false
	}
	switch sub {
	case "install", "upgrade":
		for _, name := range words[2:] {
			if strings.HasPrefix(name, "-") || slices.Contains(builtIn, name) {
				continue
			}
			if _, ok := project.Builtin(name); ok {
				continue
			}
			if _, _, err := targets.Find(name); err != nil {
				return answer{exitUsage, "sigmac has no plugins, and this is not built in: " + err.Error()}, true
			}
		}
		return answer{exitOK, "nothing to do: languages, pipelines and validators are part of sigmac"}, true
	case "report-issue":
		return answer{exitUsage, "sigmac has no plugins; an issue is one of sigmac itself"}, true
	}
	return answer{exitUsage, "sigmac has no plugins; what is built in is listed by sigmac list targets, sigmac list pipelines and sigmac list validators"}, true
}

// flagAnswers are what is said to flags of sigma-cli that sigmac does not have.
var flagAnswers = map[string]string{
	"enable-template-vars": "sigmac runs no Python: put what a template needs into vars of the pipeline",
	"template-vars-path":   "sigmac runs no Python: put what a template needs into vars of the pipeline",
}
