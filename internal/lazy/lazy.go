// Package lazy makes regular expressions when they are first asked for.
//
// A command is a short process, and most of what the packages know is for other
// commands: what is made at the start, every `sigmac version` pays for.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp gives the regular expression of source, which is compiled by the first call.
func Regexp(source string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(source) })
}
