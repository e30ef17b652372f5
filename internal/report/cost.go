package report

import "sigmac/backends"

// Cost says of a condition what it is, how a server answers it, and who says so.
func Cost(c backends.Condition) string {
	s := c.Class + ", " + c.How
	if c.Help {
		s += ", there for the index"
	}
	s += ": " + c.Text
	if c.Source != "" {
		s += " (" + c.Source + ")"
	}
	return s
}
