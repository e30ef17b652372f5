package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// language is that of all searches.
const language = "splunk"

// readFile reads savedsearches.conf, also as `btool savedsearches list` prints it with --debug, and the
// JSON of the endpoint saved/searches or of the command `rest`. Other files of an app have no
// detections.
func readFile(f deploy.File) ([]*deploy.Detection, error) {
	base, ext := path.Base(f.Path), strings.ToLower(path.Ext(f.Path))
	switch folder := path.Base(path.Dir(f.Path)); {
	case slices.Contains([]string{".csv", ".meta", ".spec", ".md", ".txt", ".xml", ".png", ".py", ".manifest"}, ext):
		return nil, nil
	case ext == ".conf" && base != searchesFile && (folder == "default" || folder == "local"):
		return nil, nil
	}
	var stanzas []*stanza
	var err error
	switch {
	case bytes.HasPrefix(f.Data, []byte{0x1f, 0x8b}):
		err = &ir.Diagnostic{Path: f.Path, Msg: "the file is an archive; unpack it, and read the files within", Source: language}
	case isJSON(ext, f.Data):
		stanzas, err = readJSON(f.Path, f.Data)
	default:
		stanzas, err = readConf(f.Path, f.Data)
	}
	if err != nil {
		return nil, err
	}
	var out []*deploy.Detection
	for _, s := range stanzas {
		if d := detection(f.Path, s); d != nil {
			out = append(out, d)
		}
	}
	return out, nil
}

// isJSON says whether a file is JSON: an object, or a list of objects. No stanza is called `{`.
func isJSON(ext string, data []byte) bool {
	if ext == ".conf" || ext == ".json" {
		return ext == ".json"
	}
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), confSpace)
	if rest, ok := bytes.CutPrefix(data, []byte("[")); ok {
		data = bytes.TrimLeft(rest, confSpace)
	}
	return bytes.HasPrefix(data, []byte("{"))
}

// marked is the end of a description by which the rule of a search is known.
var marked = lazy.Regexp(`(?:^| \| )Sigma rule: ([0-9A-Fa-f-]{36})(?:, version (\d{1,9}))?$`)

// detection is the detection that a saved search is; nil where it is none: it searches nothing, it
// builds a summary, or it is a report of an export that has no schedule.
func detection(path string, s *stanza) *deploy.Detection {
	query := s.get("search")
	es := truth(s.get("action.correlationsearch.enabled"))
	description := plainText(s.get("description"))
	m := marked().FindStringSubmatch(description)
	switch {
	case query == "" || strings.HasPrefix(s.name, "_ACCELERATE_"):
		return nil
	case s.exported && !truth(s.get("enableSched")) && s.get("cron_schedule") == "" && !es && m == nil:
		return nil
	}
	d := &deploy.Detection{Path: path, Pos: s.at, ID: s.name, Title: s.name, Query: query, QueryAt: s.place("search"), Language: language, Own: s,
		Enabled: truth(s.get("enableSched")) && !truth(s.get("disabled"))}
	if m != nil {
		d.Rule = strings.ToLower(m[1])
		d.Version, _ = strconv.Atoi(m[2])
		description = strings.TrimSuffix(description, m[0])
	} else if data := s.get("action.correlationsearch.metadata"); data != "" {
		var of metadata
		if json.Unmarshal([]byte(data), &of) == nil && deploy.IsUUID(of.DetectionID) {
			d.Rule = strings.ToLower(of.DetectionID)
			d.Version, _ = strconv.Atoi(of.DetectionVersion)
		}
	}
	d.Settings = settingsOf(s, description)
	return d
}

// truth reads a boolean as Splunk writes it.
func truth(v string) bool {
	return slices.Contains([]string{"1", "true", "t", "yes", "y", "on", "enabled"}, strings.ToLower(v))
}

// restNames are the settings that the endpoint calls by other names.
var restNames = map[string]string{"is_scheduled": "enableSched", "alert_type": "counttype", "alert_comparator": "relation", "alert_threshold": "quantity"}

// A jsonReader reads an export in JSON.
type jsonReader struct {
	path string
	data []byte
	d    *json.Decoder
	out  []*stanza

	// How far lines were counted.
	offset, line, column int
}

// readJSON reads the searches of `{"entry": [...]}`, of a list of entries, or of the rows of the
// command `rest`, one document behind the other.
func readJSON(path string, data []byte) ([]*stanza, error) {
	r := &jsonReader{path: path, data: data, d: json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))), line: 1}
	r.data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r.d.UseNumber()
	for {
		err := r.document()
		if errors.Is(err, io.EOF) {
			return r.out, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// pos is the place of an offset that is not before the last one asked for.
func (r *jsonReader) pos(offset int) ir.Pos {
	for ; r.offset < offset; r.offset++ {
		if c := r.data[r.offset]; c == '\n' {
			r.line, r.column = r.line+1, 0
		} else if utf8.RuneStart(c) {
			r.column++
		}
	}
	return ir.Pos{Line: r.line, Column: r.column + 1}
}

// next is where the next value begins.
func (r *jsonReader) next() int {
	i := int(r.d.InputOffset())
	for i < len(r.data) && strings.IndexByte(confSpace+",:", r.data[i]) >= 0 {
		i++
	}
	return i
}

// errForm is another value than the one that is expected.
var errForm = errors.New("another value is expected")

// fault is an error of the decoder without what it quotes of the file.
func (r *jsonReader) fault(err error) error {
	at, msg := r.next(), "this is no JSON of saved searches"
	var syntax *json.SyntaxError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &syntax) && int(syntax.Offset) >= len(r.data) {
		at, msg = len(r.data), "the file ends in the middle: it is cut off"
	} else if errors.As(err, &syntax) {
		at = max(at, min(int(syntax.Offset)-1, len(r.data)))
	}
	return &ir.Diagnostic{Path: r.path, Pos: r.pos(max(at, r.offset)), Msg: msg, Source: language}
}

// document reads one value of the file; io.EOF: there is none.
func (r *jsonReader) document() error {
	at := r.next()
	t, err := r.d.Token()
	switch {
	case errors.Is(err, io.EOF) && at >= len(r.data):
		return io.EOF
	case err != nil:
		return r.fault(err)
	case t == json.Delim('['):
		return r.list()
	case t == json.Delim('{'):
		return r.object(at)
	}
	return r.fault(errForm)
}

// object reads an object behind its brace: one with a list of searches, or a search.
func (r *jsonReader) object(at int) error {
	place := r.pos(at)
	e := &entry{places: map[string]ir.Pos{}}
	for r.d.More() {
		key, err := r.d.Token()
		if err != nil {
			return r.fault(err)
		}
		switch key {
		case "entry", "results":
			t, err := r.d.Token()
			if err != nil {
				return r.fault(err)
			}
			if t != json.Delim('[') {
				return r.fault(errForm)
			}
			if err := r.list(); err != nil {
				return err
			}
		default:
			if err := r.member(e, key.(string)); err != nil {
				return err
			}
		}
	}
	if _, err := r.d.Token(); err != nil {
		return r.fault(err)
	}
	r.add(e, place)
	return nil
}

// list reads objects up to the end of a list.
func (r *jsonReader) list() error {
	for r.d.More() {
		at := r.next()
		t, err := r.d.Token()
		if err != nil {
			return r.fault(err)
		}
		if t != json.Delim('{') {
			return r.fault(errForm)
		}
		if err := r.object(at); err != nil {
			return err
		}
	}
	if _, err := r.d.Token(); err != nil {
		return r.fault(err)
	}
	return nil
}

// An entry is one search as it is read.
type entry struct {
	name, title, app string
	values           map[string]string
	places           map[string]ir.Pos
}

// member reads a value of an entry, or of the row of a table that is one.
func (r *jsonReader) member(e *entry, key string) error {
	at := r.next()
	switch {
	case (key == "content" || key == "result") && at < len(r.data) && r.data[at] == '{':
		if _, err := r.d.Token(); err != nil {
			return r.fault(err)
		}
		for r.d.More() {
			name, err := r.d.Token()
			if err != nil {
				return r.fault(err)
			}
			if err := r.member(e, name.(string)); err != nil {
				return err
			}
		}
		_, err := r.d.Token()
		if err != nil {
			return r.fault(err)
		}
		return nil
	case key == "acl":
		var acl struct{ App any }
		if err := r.d.Decode(&acl); err != nil {
			return r.fault(err)
		}
		e.app, _ = acl.App.(string)
		return nil
	}
	t, err := r.d.Token()
	if err != nil {
		return r.fault(err)
	}
	text := ""
	switch t := t.(type) {
	case json.Delim:
		return r.skip()
	case string:
		text = t
	case bool:
		text = bit(t)
	case json.Number:
		text = t.String()
	default: // null
		return nil
	}
	switch key {
	case "name":
		e.name = text
	case "title":
		e.title = text
	case "eai:acl.app":
		e.app = text
	}
	if e.values == nil {
		e.values = map[string]string{}
	}
	e.values[key] = text
	e.places[key] = r.pos(at)
	return nil
}

// skip passes over the rest of an object or a list.
func (r *jsonReader) skip() error {
	for depth := 1; depth > 0; {
		t, err := r.d.Token()
		if err != nil {
			return r.fault(err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

// add keeps an entry that is a search.
func (r *jsonReader) add(e *entry, at ir.Pos) {
	name := e.name
	if name == "" {
		name = e.title
	}
	if name == "" || e.values["search"] == "" {
		return
	}
	s := &stanza{name: name, at: at, keys: map[string]setting{}, app: e.app, exported: true}
	for key, v := range e.values {
		to := key
		if conf := restNames[key]; conf != "" {
			to = conf
		}
		s.keys[to] = setting{strings.Trim(v, confSpace), e.places[key]}
	}
	for _, action := range strings.Split(s.get("actions"), ",") {
		if action = strings.TrimSpace(action); action != "" {
			if _, has := s.keys["action."+action]; !has {
				s.keys["action."+action] = setting{"1", s.place("actions")}
			}
		}
	}
	r.out = append(r.out, s)
}
