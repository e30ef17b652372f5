// Package style marks text with colours where a terminal shows it.
package style

// A Style marks text; the zero value leaves it as it is.
type Style struct{ Colour bool }

// Paint is text in a colour, given by its number for a terminal: "31" is red.
// Escapes that text holds stay: it must come from plain.Text.
func (s Style) Paint(code, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Heading is text in bold.
func (s Style) Heading(text string) string { return s.Paint("1", text) }

// Dim is text in a faint colour.
func (s Style) Dim(text string) string { return s.Paint("2", text) }
