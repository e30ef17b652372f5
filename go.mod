module sigmac

go 1.26

require (
	github.com/alecthomas/participle/v2 v2.1.4 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
