package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"sigmac/internal/about"
)

const what = "Compiles Sigma detection rules into queries, exactly or not at all"

// note says in a formula or a manifest that its addresses lead nowhere, or "".
func (r release) note() string {
	if r.url != "" || about.Module.Public() {
		return ""
	}
	return "sigmac has no public address yet: OWNER stands for it"
}

// formula is that of Homebrew.
func (r release) formula(archives map[string][]byte) []byte {
	var b bytes.Buffer
	if r.note() != "" {
		b.WriteString("# " + r.note() + "\n")
	}
	fmt.Fprintf(&b, "class Sigmac < Formula\n  desc %q\n  homepage %q\n  version %q\n  license \"Apache-2.0\"\n", what, about.Module.URL(), r.version)
	for _, system := range [][2]string{{"darwin", "macos"}, {"linux", "linux"}} {
		var blocks string
		for _, p := range r.platforms {
			if p.system == system[0] {
				arch := map[string]string{"amd64": "intel", "arm64": "arm"}[p.arch]
				name := r.archive(p)
				blocks += fmt.Sprintf("    on_%s do\n      url %q\n      sha256 \"%x\"\n    end\n", arch, r.base()+"/"+name, sha256.Sum256(archives[name]))
			}
		}
		if blocks != "" {
			fmt.Fprintf(&b, "\n  on_%s do\n%s  end\n", system[1], blocks)
		}
	}
	b.WriteString(`
  def install
    bin.install "sigmac"
    man1.install "man/sigmac.1"
    bash_completion.install "completion/sigmac.bash" => "sigmac"
    fish_completion.install "completion/sigmac.fish"
    zsh_completion.install "completion/sigmac.zsh" => "_sigmac"
    prefix.install "LICENSE", "LICENSES.txt"
  end

  test do
    assert_equal "sigmac #{version}", shell_output("#{bin}/sigmac version").strip
  end
end
`)
	return b.Bytes()
}

// manifest is that of Scoop.
func (r release) manifest(archives map[string][]byte) ([]byte, error) {
	type archive struct {
		URL  string `json:"url"`
		Hash string `json:"hash"`
	}
	m := struct {
		Note          string             `json:"##,omitempty"`
		Version       string             `json:"version"`
		Description   string             `json:"description"`
		Homepage      string             `json:"homepage"`
		License       string             `json:"license"`
		Architectures map[string]archive `json:"architecture"`
		Folder        string             `json:"extract_dir"`
		Command       string             `json:"bin"`
	}{r.note(), r.version, what, about.Module.URL(), "Apache-2.0", map[string]archive{}, "sigmac", "sigmac.exe"}
	for _, p := range r.platforms {
		if p.system == "windows" {
			arch := map[string]string{"amd64": "64bit", "arm64": "arm64"}[p.arch]
			name := r.archive(p)
			m.Architectures[arch] = archive{r.base() + "/" + name, fmt.Sprintf("%x", sha256.Sum256(archives[name]))}
		}
	}
	text, err := json.MarshalIndent(m, "", "    ")
	return append(text, '\n'), err
}
