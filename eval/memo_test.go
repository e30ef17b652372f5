package eval

import (
	"fmt"
	"slices"
	"testing"
)

// TestMemo holds that a memo keeps what comes twice and nothing of what comes once, tells slots and kinds apart, and
// stays as small as it says.
func TestMemo(t *testing.T) {
	m := memo{}
	comes := func(slot int32, x value, leaf int32) (known bool) {
		r, hash := m.find(slot, &x)
		if r == nil {
			m.add(slot, &x, hash, []find{{leaf: leaf}})
			return false
		}
		if !slices.Equal(r.finds, []find{{leaf: leaf}}) {
			t.Fatalf("slot %d, %q: %v, not %d", slot, x.text, r.finds, leaf)
		}
		return true
	}
	text := func(i int) value { return value{kind: kindText, valid: true, text: fmt.Sprint("x", i)} }
	for i := range 10 * maxMemo {
		comes(1, text(i), int32(i))
	}
	if m.used > 0 {
		t.Errorf("%d are kept that came once", m.used)
	}
	known, n := 0, maxMemo/16
	for range 4 {
		for i := range n {
			number := value{kind: kindNumber, valid: true, text: fmt.Sprint(i)}
			word := value{kind: kindText, valid: true, text: fmt.Sprint(i)}
			for slot, x := range []value{number, number, word} {
				if comes(int32(slot), x, int32(3*i+slot)) {
					known++
				}
			}
		}
	}
	if t.Log(known, m.used, len(m.kept)); known < n {
		t.Errorf("%d of %d are known", known, n*3*2)
	}
	for round := range 3 {
		for i := range 4 * maxMemo {
			comes(int32(round%2), text(i), int32(i))
			comes(int32(round%2), text(i), int32(i))
		}
	}
	if m.used > maxMemo || len(m.kept) > maxMemo || len(m.once) > maxMemo {
		t.Errorf("%d of %d are kept", m.used, len(m.kept))
	}
}
