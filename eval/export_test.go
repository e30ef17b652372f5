package eval

// Asked is how many rules an Index asked of the event that it looked at last.
func (v *View) Asked() (n int) {
	for _, round := range v.search.asked {
		if round == v.round {
			n++
		}
	}
	return n
}
