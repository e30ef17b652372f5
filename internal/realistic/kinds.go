package realistic

import (
	"iter"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"

	"sigmac/ir"
)

// A kind says what the texts of a field are.
type kind uint8

const (
	plain kind = iota
	program
	library
	file
	name // of a file, without folders
	command
	script
	registry
	pipe
	host
	computer
	url
	address
	user
	agent
	hashes
)

// fields are the ends of the names of fields, in lower case and without signs but dots, with
// what stands in such fields; the longest that fits counts.
var fields = []struct {
	kind kind
	ends string
}{
	{plain, "originalfilename relativetargetname"},
	{command, "commandline imagepath servicefilename taskcontent"},
	{script, "scriptblocktext payload contextinfo"},
	{program, "image executable processname processpath folderpath application"},
	{library, "imageloaded dllpath dll.path"},
	{file, "targetfilename sourcefilename filepath file.path objectname targetpath"},
	{name, "filename process.name parent.name file.name dll.name"},
	{registry, "targetobject registrykey registrypath registryvalue registry.path"},
	{pipe, "pipename"},
	{url, "curi url url.original referer referrer"},
	{host, "queryname hostname question.name dnsquerystring cshost rhost domain"},
	{computer, "computer computername workstation workstationname"},
	{address, "ip source.address destination.address ipaddress ipaddr clientaddress sourceaddress destaddress"},
	{user, "user user.name username accountname"},
	{agent, "useragent agent.original"},
	{hashes, "hash hashes"},
}

var kinds = sync.OnceValue(func() map[string]kind {
	out := map[string]kind{}
	for _, f := range fields {
		for _, end := range strings.Fields(f.ends) {
			out[end] = f.kind
		}
	}
	return out
})

// kindOf is the kind of a field, by its name.
func kindOf(field string) kind {
	var letters [24]byte // the end of the name
	from := len(letters)
	for i := len(field) - 1; i >= 0 && from > 0; i-- {
		switch c := field[i]; {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
			fallthrough
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.':
			from--
			letters[from] = c
		}
	}
	for ; from < len(letters); from++ {
		if k, ok := kinds()[string(letters[from:])]; ok {
			return k
		}
	}
	return plain
}

// glue is what stands between two parts of a text that say nothing of it.
func (k kind) glue() string {
	switch k {
	case program, library, file, registry, pipe:
		return `\`
	case url:
		return "/"
	case host, computer, user, address, name:
		return "-"
	case hashes:
		return ","
	}
	return " "
}

// surroundings are what is known beside a field, and which it is.
type surroundings struct {
	Known
	field string
}

// texts are texts of that kind with the parts p.
func (k kind) texts(p parts, s surroundings) iter.Seq[string] {
	body := p.body(k.glue())
	return func(yield func(string) bool) {
		var out []string
		switch k {
		case command:
			out = s.commands(p, body)
		case program:
			out = s.paths(p, body, "setup", ".exe")
		case library:
			out = s.paths(p, body, "helper", ".dll")
		case file:
			out = s.paths(p, body, "report", ".dat")
		case registry:
			out = keys(p, body)
		case pipe:
			out = before(p, body, `\`)
			out = append(out, joined(`\`, `\Device\NamedPipe`, body))
		case host:
			out = hosts(p, body)
		case url:
			out = urls(p, body)
		case address:
			out = addresses(p, body)
		case user:
			out = users(p, body)
		case name:
			out = s.fileNames(p, body)
		case script:
			flags := func(s string) bool { return strings.HasPrefix(s, "-") }
			slices.SortStableFunc(p.middle, func(a, b string) int { return rank(flags(a)) - rank(flags(b)) })
			out = []string{p.body(" "), "if ($true) { " + body + " }", "Get-Process"}
		case computer:
			out = []string{body, "WS01"}
		case hashes:
			out = []string{body, "MD5=D41D8CD98F00B204E9800998ECF8427E," + body}
		case agent:
			out = []string{body, "Mozilla/5.0 " + body, body + " Mobile", "Mozilla/5.0"}
		default:
			if strings.HasPrefix(body, `\`) && !strings.HasPrefix(body, `\\`) || strings.HasPrefix(body, `:\`) || len(body) > 2 && body[1:3] == `:\` {
				out = s.paths(p, body, "report", ".dat")
			}
			out = append(out, body, "other", "Example "+body, body+" Example")
		}
		for _, text := range append(out, body) {
			if !yield(text) {
				return
			}
		}
	}
}

func rank(later bool) int {
	if later {
		return 1
	}
	return 0
}

// before is body behind a start that it lacks.
func before(p parts, body, start string) []string {
	if p.begin != "" || strings.HasPrefix(body, start) {
		return []string{body}
	}
	return []string{start + body, body}
}

// paths are paths of a file; where p leaves open how it ends, it is called stem with the
// extension ext.
func (s surroundings) paths(p parts, body, stem, ext string) (out []string) {
	windows := s.windows(body)
	if !windows {
		ext = map[bool]string{true: ext}[ext != ".exe"]
		body = strings.ReplaceAll(body, `\`, "/")
	}
	if p.begin == "" && strings.HasPrefix(body, ".") {
		body = stem + body
	}
	bodies := []string{body}
	if p.end == "" {
		last := body[strings.LastIndexAny(body, `\/`)+1:]
		switch {
		case last == "" || body == "":
			bodies = []string{joined(`\`, body, inFolder(body)+stem+ext), body}
		case !strings.Contains(last, "."):
			bodies = []string{body + ext, body}
		}
	}
	for _, b := range bodies {
		if p.begin != "" {
			out = append(out, b)
			continue
		}
		for _, folder := range folderFor(b, windows) {
			out = append(out, joined(separator(windows), folder, b))
		}
	}
	if p.end == "" { // perhaps it must not end so
		out = slices.Insert(out, 1, out[0]+map[bool]string{true: ".tmp", false: ".bak"}[ext == ".exe"])
	}
	if p.begin == "" { // or not begin so
		out = append(out, map[bool]string{true: `\\?\`, false: "/mnt"}[windows]+out[0])
	}
	return out
}

func separator(windows bool) string {
	if windows {
		return `\`
	}
	return "/"
}

// windows says whether an event is one of Windows, by the texts of the rule.
func (s surroundings) windows(body string) bool {
	is := func(text string) (windows, unix bool) {
		return strings.Contains(text, `\`) || within(".exe", text), strings.HasPrefix(text, "/") && strings.Count(text, "/") > 1 || text == "/bin"
	}
	if w, u := is(body); w || u || strings.HasPrefix(body, "/") && kindOf(s.field) == program {
		return w
	}
	for f, t := range s.Tests {
		p, ok := t.(ir.Pattern)
		if !ok {
			continue
		}
		text := p.Literals()
		if w, u := is(text); w || u || strings.HasPrefix(text, "/") && kindOf(f) == program {
			return w
		}
	}
	return true
}

// commands are command lines: the program of the event, then what p asks for.
func (s surroundings) commands(p parts, body string) []string {
	var out []string
	if windows := s.windows(body); p.begin == "" {
		by := s.program()
		out = s.commanded(windows, by, body)
		shell := map[bool]string{true: "cmd.exe /c", false: "sh -c"}[windows]
		out = append(out, joined(" ", shell, body), joined(" ", out[0], "file.txt"))
		if dashed := p.body(" -"); dashed != body {
			out = append(out, s.commanded(windows, by, dashed)...)
		}
	} else {
		out = []string{body, joined(" ", body, "file.txt")}
	}
	switch {
	case p.end != "":
	case strings.HasSuffix(body, " "):
		out = append([]string{out[0] + "file.txt"}, out...)
	case strings.HasSuffix(body, "="):
		out = append([]string{out[0] + "1"}, out...)
	}
	return out
}

// commanded are command lines of the program full that end in body.
func (s surroundings) commanded(windows bool, full, body string) []string {
	first := strings.TrimLeft(body, ` "'`)
	stem := ""
	if full != "" {
		base := full[strings.LastIndexAny(full, `\/`)+1:]
		stem = strings.ToLower(strings.TrimSuffix(base, path.Ext(base)))
		if folder := folderOf(base); windows && folder != "" && strings.HasPrefix(folder, `C:\Windows`) && within(folder, full) {
			full = base // as it is found by its name
		} else if !windows {
			full = base
		}
		if strings.Contains(full, " ") {
			full = `"` + full + `"`
		}
	}
	switch {
	case body == "":
		return []string{full, "setup.exe"}
	case windows && strings.HasPrefix(first, `\`) && !strings.HasPrefix(first, `\\`):
		if last := pathBase(first); stem != "" && !hasPrefix(last, stem) {
			return []string{joined(" ", full, body)}
		}
		return []string{folderFor(first, true)[0] + body}
	case full != "" && (hasPrefix(first, stem) || within(" "+stem, body) || within(stem+".exe", body)):
		return []string{body, full + " " + body}
	case full != "":
		return []string{joined(" ", full, body)}
	case strings.HasPrefix(first, "/") && !windows, startsProgram(first):
		return []string{body}
	case isPowerShell(first):
		return []string{joined(" ", "powershell.exe -Command", body)}
	case strings.HasPrefix(first, "-"), strings.HasPrefix(first, "/"), strings.HasPrefix(body, " "):
		return []string{joined(" ", map[bool]string{true: "tool.exe", false: "tool"}[windows], body)}
	case windows:
		return []string{joined(" ", "cmd.exe /c", body)}
	}
	return []string{joined(" ", "sh -c", body)}
}

// pathBase is the last name of the path with which a command line begins.
func pathBase(line string) string {
	word, _, _ := strings.Cut(strings.TrimLeft(line, `"'`), " ")
	return word[strings.LastIndexAny(word, `\/`)+1:]
}

// startsProgram says whether a command line begins with a program.
func startsProgram(line string) bool {
	word, rest, more := strings.Cut(line, " ")
	return within(".exe", word) || folderOf(strings.ToLower(word)+".exe") != "" || more && rest != "" && strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz") == ""
}

// isPowerShell says whether a text is one of PowerShell.
func isPowerShell(line string) bool {
	verb, noun, ok := strings.Cut(line, "-")
	named := ok && verb != "" && noun != "" && strings.Trim(verb, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && 'A' <= verb[0] && verb[0] <= 'Z'
	return named || strings.HasPrefix(line, "[") || strings.HasPrefix(line, "$")
}

// parent says whether a field is about the process that started another.
func parent(field string) bool {
	return hasPrefix(field, "initiatingprocess") || within("parent", field)
}

// program is the program whose command line the field is: that of the event, else one that
// the rule names; with its folder, or empty.
func (s surroundings) program() string {
	take := func(field string) bool {
		k := kindOf(field)
		return parent(field) == parent(s.field) && (k == program || k == name || k == command || hasPrefix(field, "originalfilename"))
	}
	named := func(text string) string {
		if strings.ContainsAny(text, `\/`) {
			return text
		}
		if folder := folderOf(text); folder != "" {
			return folder + `\` + text
		}
		return text
	}
	for _, field := range slices.Sorted(maps.Keys(s.Texts)) {
		text := s.Texts[field]
		running := parent(field) == parent(s.field) && kindOf(field) == plain && strings.Contains(text, `\`) && strings.HasSuffix(strings.ToLower(text), ".exe")
		if text != "" && (take(field) || running) {
			return named(text)
		}
	}
	last, taken := "", false
	for field, t := range s.Tests {
		if field != last {
			last, taken = field, take(field)
		}
		p, ok := t.(ir.Pattern)
		if !ok || !taken {
			continue
		}
		shape, text := p.Shape()
		if kindOf(field) == command { // of which a program may be a part
			if text, _, _ = strings.Cut(strings.TrimLeft(text, ` "`), " "); !within(".exe", text) {
				continue
			}
		} else if shape != ir.Suffix && shape != ir.Exact {
			continue
		}
		if text = strings.Trim(text, `\/"`); strings.Contains(text, ".") && !strings.Contains(text, " ") && len(text) > len(".exe") {
			return named(text)
		}
	}
	return ""
}

// fileNames are names of files.
func (s surroundings) fileNames(p parts, body string) []string {
	if strings.ContainsAny(body, `\/`) {
		return s.paths(p, joined(`\`, slices.Concat([]string{p.begin}, p.middle, []string{p.end})...), "report", ".dat")
	}
	if p.end == "" && body != "" && !strings.Contains(body, ".") {
		return []string{body + ".exe"}
	}
	if p.begin == "" && strings.HasPrefix(body, ".") {
		return []string{"setup" + body, "setup" + body + ".bak"}
	}
	return []string{body, "setup.exe", body + ".bak"}
}

// keys are keys of the registry.
func keys(p parts, body string) []string {
	if p.begin != "" || hasPrefix(body, "hk") {
		return valued(p, body)
	}
	for _, r := range []struct{ start, root string }{
		{`\services\`, `HKLM\System\CurrentControlSet`}, {`\control\`, `HKLM\System\CurrentControlSet`}, {`\currentcontrolset`, `HKLM\System`},
		{`\winlogon`, `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion`}, {`\currentversion\image file`, `HKLM\SOFTWARE\Microsoft\Windows NT`},
		{`\currentversion\winlogon`, `HKLM\SOFTWARE\Microsoft\Windows NT`}, {`\currentversion\windows`, `HKLM\SOFTWARE\Microsoft\Windows NT`},
		{`\currentversion`, `HKLM\SOFTWARE\Microsoft\Windows`}, {`\software`, `HKLM`}, {`software`, `HKLM`}, {`\system\`, `HKLM`}, {`system\`, `HKLM`}, {`\microsoft\`, `HKLM\SOFTWARE`},
		{`microsoft\`, `HKLM\SOFTWARE`}, {`\policies\`, `HKLM\SOFTWARE`}, {`\classes\`, `HKCU\Software`}, {`shell\`, `HKCR\.txt`}, {`\shell\`, `HKCR\.txt`}, {`\environment\`, `HKCU`},
	} {
		if hasPrefix(body, r.start) {
			return valued(p, joined(`\`, r.root, body), joined(`\`, `HKU\S-1-5-21-1000`, body))
		}
	}
	return valued(p, joined(`\`, `HKLM\SOFTWARE`, body), joined(`\`, `HKCU\Software`, body))
}

// valued are keys with the name of a value where they lack it, and then as they are.
func valued(p parts, keys ...string) []string {
	if p.end == "" {
		value := joined(`\`, keys[0], "(Default)")
		if strings.HasSuffix(keys[0], `\`) {
			return append([]string{value}, keys...)
		}
		keys = append(keys, value)
	}
	return keys
}

// hosts are names of hosts.
func hosts(p parts, body string) (out []string) {
	switch {
	case body == "":
		return []string{"www.example.com"}
	case p.begin == "" && strings.HasPrefix(body, "."):
		body = "www" + body
	case p.begin == "" && p.end != "":
		out = append(out, "www."+body)
	}
	if strings.Contains(strings.Trim(body, "."), ".") {
		out = append(out, body)
	}
	if p.end == "" {
		out = append(out, joined(".", strings.TrimSuffix(body, "."), "example.com"))
	}
	return append(out, body, joined(".", "www", body))
}

// urls are addresses of the web.
func urls(p parts, body string) []string {
	out := urlsOf(p, body)
	if p.end == "" {
		out = append(out, out[0]+"?id=1")
	}
	return out
}

func urlsOf(p parts, body string) []string {
	const site = "https://www.example.com"
	switch {
	case p.begin != "", strings.Contains(body, "://"):
		if strings.HasSuffix(body, "://") && p.end == "" {
			body += "www.example.com/"
		}
		return []string{body}
	case strings.HasPrefix(body, "/"):
		return []string{site + body}
	case strings.HasPrefix(body, "."):
		return []string{site + "/file" + body}
	case strings.Contains(body, ".") && p.end == "" && !strings.Contains(body, "="):
		return []string{"https://" + body + "/", "https://" + body}
	}
	return []string{site + "/" + body}
}

// users are names of accounts.
func users(p parts, body string) []string {
	switch {
	case body == "":
		return []string{`EXAMPLE\alice`, "alice"}
	case strings.HasPrefix(body, "$") || strings.HasPrefix(body, "@"):
		return []string{"WS01" + body}
	case p.end == "" && strings.ContainsAny(body[len(body)-1:], `\-_.`):
		return []string{body + "backup", body}
	case p.begin == "" && strings.HasPrefix(body, `\`):
		return []string{"EXAMPLE" + body}
	}
	return []string{`NT AUTHORITY\SYSTEM`, `AUTORITE NT\SYSTEM`, body, `EXAMPLE\` + body}
}

// addresses are addresses of hosts.
func addresses(p parts, body string) []string {
	if p.begin != "" && p.end == "" && !strings.Contains(body, ":") {
		text := strings.TrimSuffix(body, ".")
		for _, part := range []string{".2", ".3", ".15"}[min(3, strings.Count(text, ".")):] {
			text += part
		}
		return []string{text, body}
	}
	return []string{body, "198.51.100.23", "10.0.0.15"}
}

// hostIn is the address of a host in a network: near its begin, or in other ways further on, as
// far as it has others.
func hostIn(net netip.Prefix, way int) string {
	b := net.Masked().Addr().AsSlice()
	last := len(b) - 1
	for bit := net.Bits(); bit < 8*len(b); bit++ { // 15 at the end, and 10 or 20 before that
		mark := byte(0x80 >> (bit % 8))
		switch {
		case bit/8 == last:
			b[last] |= 15 & mark
		case bit/8 == last-1:
			b[last-1] |= byte(10*way) & mark
		}
	}
	at, _ := netip.AddrFromSlice(b)
	return at.String()
}
