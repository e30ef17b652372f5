package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"sigmac/internal/about"
)

// A module is one that is linked, with its hash in go.sum; "std" is Go's own.
type module struct{ path, version, sum string }

func (m module) purl() string { return "pkg:golang/" + m.path + "@" + m.version }

// The types are the part of CycloneDX 1.6 that is used; the specification says what their
// members mean.
type (
	bom struct {
		Schema       string       `json:"$schema"`
		Format       string       `json:"bomFormat"`
		Spec         string       `json:"specVersion"`
		Serial       string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Time      string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type       string      `json:"type"`
		Ref        string      `json:"bom-ref"`
		Name       string      `json:"name"`
		Version    string      `json:"version,omitempty"`
		Hashes     []hash      `json:"hashes,omitempty"`
		Licenses   []any       `json:"licenses,omitempty"`
		PURL       string      `json:"purl,omitempty"`
		Properties []property  `json:"properties,omitempty"`
		Components []component `json:"components,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref  string   `json:"ref"`
		Uses []string `json:"dependsOn,omitempty"`
	}
)

// sbom says in CycloneDX 1.6 what is linked into the binaries of the release.
func (r release) sbom(linked []module, binaries map[platform][]byte) ([]byte, error) {
	own := module{path: string(about.Module), version: r.version}
	main := component{Type: "application", Ref: own.purl(), Name: "sigmac", Version: r.version, PURL: own.purl(),
		Licenses: []any{map[string]any{"license": map[string]string{"id": "Apache-2.0"}}}}
	for _, p := range r.platforms {
		name := p.system + "/" + p.arch + "/" + p.binary()
		main.Components = append(main.Components, component{Type: "file", Ref: name, Name: name,
			Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(binaries[p]))}}})
	}
	b := bom{Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata: metadata{r.time.Format(time.RFC3339), main}}
	uses := dependency{Ref: own.purl()}
	for _, m := range linked {
		c := component{Type: "library", Ref: m.purl(), Name: m.path, Version: m.version, PURL: m.purl()}
		if m.sum != "" {
			c.Properties = []property{{"go.sum", m.sum}}
		}
		b.Components = append(b.Components, c)
		uses.Uses = append(uses.Uses, c.Ref)
	}
	b.Dependencies = []dependency{uses}
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	// The serial number is a UUID of version 8, made of all else.
	id := sha256.Sum256(text)
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	b.Serial = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
	text, err = json.MarshalIndent(b, "", "  ")
	return append(text, '\n'), err
}
