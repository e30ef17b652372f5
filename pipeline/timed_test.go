package pipeline

import (
	"errors"
	"testing"
	"time"
)

// TestTimed holds that only a match that had its time is given up.
func TestTimed(t *testing.T) {
	tries := 0
	got, err := timed(func() (int, error) {
		if tries++; tries < 3 {
			return 0, errors.New("a deadline of yesterday")
		}
		return 7, nil
	})
	if got != 7 || err != nil || tries != 3 {
		t.Error(got, err, tries)
	}
	tries = 0
	if _, err := timed(func() (int, error) { tries++; return 0, errors.New("no end") }); err == nil || tries != 5 {
		t.Error(err, tries)
	}
	tries = 0
	if _, err := timed(func() (int, error) { tries++; time.Sleep(patternTimeout); return 0, errors.New("too long") }); err == nil || tries != 2 {
		t.Error(err, tries)
	}
}
