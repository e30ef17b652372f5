package eval

import (
	"regexp"
	"sync"

	"sigmac/regex"
)

// search says whether re matches somewhere in s.
func search(re *regex.Re, s string) bool {
	if g := compiled(re); g != nil {
		return g.MatchString(s)
	}
	return re.In([]rune(s))
}

var cache struct {
	sync.Mutex
	m    map[string]*regexp.Regexp
	byRe map[*regex.Re]*regexp.Regexp // a tree does not change
}

const maxCache = 1000 // a fuzzer makes expressions without end

// compiled is re for package regexp, nil where that cannot have it.
func compiled(re *regex.Re) *regexp.Regexp {
	cache.Lock()
	g, ok := cache.byRe[re]
	cache.Unlock()
	if ok {
		return g
	}
	source, err := re.Go()
	cache.Lock()
	defer cache.Unlock()
	if len(cache.byRe) >= maxCache || cache.byRe == nil {
		cache.byRe = map[*regex.Re]*regexp.Regexp{}
	}
	if err != nil {
		cache.byRe[re] = nil
		return nil
	}
	if g, ok = cache.m[source]; !ok {
		if len(cache.m) >= maxCache || cache.m == nil {
			cache.m = map[string]*regexp.Regexp{}
		}
		g, _ = regexp.Compile(source) // nil where it is too large
		cache.m[source] = g
	}
	cache.byRe[re] = g
	return g
}
