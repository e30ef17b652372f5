package drift

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"sigmac/internal/deploy"
	"sigmac/internal/ordered"
)

// A matcher finds which detection belongs to which rule.
type matcher struct {
	rules    []*Rule
	deployed []*deploy.Detection
	partner  []int    // by rule, a detection, or -1
	by       []string // by rule
	taken    []bool   // by detection
}

func (m *matcher) join(rule, detection int, by string) {
	m.partner[rule], m.by[rule], m.taken[detection] = detection, by, true
}

// match finds partners. Second has, by detection, the rule of those without a partner that say
// they are of one.
func (m *matcher) match(o Options) (second map[int]*Rule) {
	for i := range m.partner {
		m.partner[i] = -1
	}
	ids := func(d *deploy.Detection) string { return strings.ToLower(d.ID) }
	carried := func(d *deploy.Detection) string { return strings.ToLower(d.Rule) }
	m.unique(ByID, func(r *Rule) string {
		if r.Detection == nil {
			return ""
		}
		return ids(r.Detection)
	}, ids, true, true)
	of := func(r *Rule) string { return strings.ToLower(r.ID) }
	// Several queries of one rule have its id together, and their titles tell them apart.
	titled := func(id, title string) string {
		if id == "" {
			return ""
		}
		return id + "\x00" + title
	}
	m.unique(ByID, func(r *Rule) string { return titled(of(r), titleOf(r)) }, func(d *deploy.Detection) string { return titled(carried(d), title(d.Title)) }, true, true)
	m.unique(ByID, of, carried, false, true)
	m.unique(ByTitle, titleOf, func(d *deploy.Detection) string { return title(d.Title) }, false, false)
	m.meaning(o)
	known := map[string]*Rule{}
	for _, r := range m.rules {
		if !r.Left {
			known[of(r)] = r
		}
	}
	second = map[int]*Rule{}
	for i, d := range m.deployed {
		if !m.taken[i] && d.Rule != "" && known[carried(d)] != nil {
			second[i] = known[carried(d)]
		}
	}
	return second
}

func titleOf(r *Rule) string {
	if r.Detection != nil {
		return title(r.Detection.Title)
	}
	return title(r.Title)
}

// title is one by which titles are compared.
func title(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// unique joins rules and detections that have a key alone on their sides; or where several rules
// may have it, or several detections, the first of these.
func (m *matcher) unique(by string, rule func(*Rule) string, detection func(*deploy.Detection) string, rules, detections bool) {
	count, at := map[string]int{}, map[string]int{}
	for i, d := range m.deployed {
		if k := detection(d); k != "" && !m.taken[i] {
			if count[k]++; count[k] == 1 {
				at[k] = i
			}
		}
	}
	askers := map[string]int{}
	for i, r := range m.rules {
		if m.partner[i] < 0 {
			askers[rule(r)]++
		}
	}
	for i, r := range m.rules {
		k := rule(r)
		if n, ok := at[k]; ok && m.partner[i] < 0 && !m.taken[n] && (rules || askers[k] == 1) && (detections || count[k] == 1) {
			m.join(i, n, by)
		}
	}
}

// The effort of finding partners by meaning: of each detection the rules with the most words in
// common are asked, if they have enough; words that many rules have are not counted.
const (
	maxAsked  = 3
	minAlike  = 0.6
	maxCommon = 50
)

// meaning joins rules and detections whose queries are proved to mean the same, of those that
// are left.
func (m *matcher) meaning(o Options) {
	of := map[int]map[string]bool{} // by rule
	holds := map[string][]int{}
	for i, r := range m.rules {
		if m.partner[i] < 0 && r.Detection != nil && !r.Left {
			of[i] = wordsOf(r.Detection.Query)
			for _, w := range slices.Sorted(maps.Keys(of[i])) {
				holds[w] = append(holds[w], i)
			}
		}
	}
	rare := func(all map[string]bool) {
		maps.DeleteFunc(all, func(w string, _ bool) bool { return len(holds[w]) > maxCommon })
	}
	for _, all := range of {
		rare(all)
	}
	var left []int
	for i := range m.deployed {
		if !m.taken[i] {
			left = append(left, i)
		}
	}
	if len(of) == 0 || len(left) == 0 {
		return
	}
	o.Budget = max(1, o.Budget/meaningBudget)
	for n, proved := range ordered.Map(left, func(i int) (proved []int) {
		d := m.deployed[i]
		mine := wordsOf(d.Query)
		rare(mine)
		common := map[int]int{}
		for w := range mine {
			for _, rule := range holds[w] {
				common[rule]++
			}
		}
		alike := func(rule int) float64 {
			return float64(common[rule]) / float64(len(mine)+len(of[rule])-common[rule])
		}
		near := slices.DeleteFunc(slices.Collect(maps.Keys(common)), func(rule int) bool { return alike(rule) < minAlike })
		slices.SortFunc(near, func(a, b int) int { return cmp.Or(cmp.Compare(alike(b), alike(a)), cmp.Compare(a, b)) })
		for _, rule := range near[:min(len(near), maxAsked)] {
			same := !slices.ContainsFunc(m.rules[rule].judge(d, o), func(d Difference) bool { return !d.Kind.Quiet() })
			if same {
				proved = append(proved, rule)
			}
		}
		return proved
	}) {
		for _, rule := range proved {
			if m.partner[rule] < 0 {
				m.join(rule, left[n], ByMeaning)
				break
			}
		}
	}
}

// wordsOf are the words of a query, whatever stands between them.
func wordsOf(query string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.FieldsFunc(query, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }) {
		out[strings.ToLower(w)] = true
	}
	return out
}
