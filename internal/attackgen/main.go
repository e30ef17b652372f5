// Command attackgen writes internal/catalog/attack.json from MITRE's own file. That
// is the STIX bundle of the enterprise matrix, in a local file:
//
//	go run ./internal/attackgen enterprise-attack.json > internal/catalog/attack.json
//
// docs/attack.md says where the bundle is and what is kept of it.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: go run ./internal/attackgen enterprise-attack.json > internal/catalog/attack.json")
		return 2
	}
	src, err := os.ReadFile(args[0])
	if err == nil {
		var m *matrix
		if m, err = read(src); err == nil {
			_, err = stdout.Write(m.encode())
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "attackgen:", err)
		return 1
	}
	return 0
}

// A matrix is what attack.json holds.
type matrix struct {
	Version    string      `json:"version"`
	Tactics    []tactic    `json:"tactics"` // in the order of the matrix
	Techniques []technique `json:"techniques"`
}

type tactic struct {
	ID    string `json:"id"`
	Short string `json:"short"`
	Name  string `json:"name"`
}

// A technique is in the matrix, or revoked, and Successor replaces it and has
// its tactics, or Deprecated: nothing replaces it.
type technique struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Tactics    []string `json:"tactics,omitempty"` // by their short names, in the order of the matrix
	Successor  string   `json:"successor,omitempty"`
	Deprecated bool     `json:"deprecated,omitempty"`
}

// An object is what is read of any STIX object.
type object struct {
	Type    string
	ID      string
	Name    string
	Version string `json:"x_mitre_version"`
	Refs    []struct {
		Source string `json:"source_name"`
		ID     string `json:"external_id"`
	} `json:"external_references"`

	Revoked    bool
	Deprecated bool `json:"x_mitre_deprecated"`

	Short   string   `json:"x_mitre_shortname"` // of a tactic
	Tactics []string `json:"tactic_refs"`       // of a matrix, in its order
	Phases  []struct {
		Chain string `json:"kill_chain_name"`
		Short string `json:"phase_name"`
	} `json:"kill_chain_phases"` // of a technique

	Relation string `json:"relationship_type"`
	From     string `json:"source_ref"`
	To       string `json:"target_ref"`
}

// external is the ATT&CK id of o.
func (o *object) external() string {
	for _, r := range o.Refs {
		if r.Source == "mitre-attack" {
			return r.ID
		}
	}
	return ""
}

var techniqueID = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

func read(src []byte) (*matrix, error) {
	var bundle struct {
		Type    string
		Objects []object
	}
	if err := json.Unmarshal(src, &bundle); err != nil {
		return nil, err
	}
	if bundle.Type != "bundle" {
		return nil, errors.New("this is no STIX bundle")
	}
	m := &matrix{}
	tactics := map[string]tactic{}   // by STIX id
	revokedBy := map[string]string{} // by STIX ids
	patterns := map[string]*object{} // by STIX id
	withID := map[string]*object{}   // by ATT&CK id
	var order []string               // of the tactics, by STIX id
	for i := range bundle.Objects {
		o := &bundle.Objects[i]
		switch {
		case o.Type == "x-mitre-collection":
			m.Version = o.Version
		case o.Type == "x-mitre-matrix" && o.external() == "enterprise-attack":
			order = o.Tactics
		case o.Type == "x-mitre-tactic" && !o.Revoked && !o.Deprecated:
			tactics[o.ID] = tactic{o.external(), o.Short, o.Name}
		case o.Type == "relationship" && o.Relation == "revoked-by":
			revokedBy[o.From] = o.To
		case o.Type == "attack-pattern" && techniqueID.MatchString(o.external()):
			patterns[o.ID] = o
			// An id may stand twice, of a revoked object and of one that is not.
			if old := withID[o.external()]; old == nil || old.Revoked {
				withID[o.external()] = o
			}
		}
	}
	if m.Version == "" {
		return nil, errors.New("the bundle has no x-mitre-collection, which names the version of ATT&CK")
	}
	if len(order) == 0 {
		return nil, errors.New("the bundle has no x-mitre-matrix enterprise-attack, which orders the tactics")
	}
	place := map[string]int{}
	for _, id := range order {
		t, ok := tactics[id]
		if !ok {
			return nil, fmt.Errorf("the matrix has a tactic %s that the bundle has not", id)
		}
		place[t.Short] = len(m.Tactics)
		m.Tactics = append(m.Tactics, t)
	}

	at := func(short string) int {
		if i, ok := place[short]; ok {
			return i
		}
		return len(place) // what is deprecated may have a tactic that is gone
	}
	for _, id := range slices.Sorted(maps.Keys(withID)) {
		o := withID[id]
		t := technique{ID: id, Name: o.Name}
		if to := successor(o, revokedBy, patterns); o.Revoked && to != nil {
			t.Successor = to.external()
		} else {
			t.Deprecated = o.Deprecated || o.Revoked
			for _, p := range o.Phases {
				if p.Chain != "mitre-attack" {
					continue
				}
				if _, ok := place[p.Short]; !ok && !t.Deprecated {
					return nil, fmt.Errorf("%s has a tactic %s that the matrix has not", id, p.Short)
				}
				t.Tactics = append(t.Tactics, p.Short)
			}
			slices.SortFunc(t.Tactics, func(a, b string) int { return cmp.Or(cmp.Compare(at(a), at(b)), cmp.Compare(a, b)) })
		}
		m.Techniques = append(m.Techniques, t)
	}
	return m, nil
}

// successor is the end of the chain of revocations that starts at o: what
// replaced a technique may have been replaced itself. It is nil if the bundle
// does not say.
func successor(o *object, revokedBy map[string]string, patterns map[string]*object) *object {
	for range revokedBy {
		if o = patterns[revokedBy[o.ID]]; o == nil || !o.Revoked {
			return o
		}
	}
	return nil
}

// encode gives each tactic and technique a line, so that a new version of
// ATT&CK is a difference that people can read.
func (m *matrix) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"version\": %s,\n", line(m.Version))
	fmt.Fprintf(&b, "\"tactics\": [\n%s\n],\n", lines(m.Tactics))
	fmt.Fprintf(&b, "\"techniques\": [\n%s\n]\n}\n", lines(m.Techniques))
	return b.Bytes()
}

func lines[T any](values []T) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = line(v)
	}
	return strings.Join(out, ",\n")
}

func line(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // texts and booleans only
	}
	return strings.TrimSuffix(b.String(), "\n")
}
