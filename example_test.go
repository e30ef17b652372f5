package sigmac_test

import (
	"fmt"

	"sigmac"
	"sigmac/verify"
)

const exampleRule = `title: A tool that opens connections
logsource:
  category: network_connection
  product: windows
detection:
  selection:
    Image|endswith: '\tool.exe'
    DestinationPort: 4444
  condition: selection
`

// Rules become queries as the command makes them.
func ExampleConvert() {
	results, err := sigmac.Convert([]byte(exampleRule), "elastic")
	if err != nil {
		panic(err)
	}
	for _, res := range results {
		for _, err := range res.Errors {
			fmt.Println(err)
		}
		for _, query := range res.Queries {
			fmt.Println(query)
		}
	}
	// Output: network where ?winlog.channel : "Microsoft-Windows-Sysmon/Operational" and ?event.code : "3" and ?process.executable : """*\tool.exe""" and ?destination.port == 4444
}

// A query is read back, and proved to mean its rule.
func ExampleVerify() {
	results, err := sigmac.Convert([]byte(exampleRule), "splunk")
	if err != nil {
		panic(err)
	}
	for _, res := range results {
		for _, proof := range sigmac.Verify(res, verify.DefaultBudget) {
			fmt.Println(proof.Verdict)
		}
	}
	// Output: proved
}

// A query of somebody else is compared with a rule; one that finds too much is refuted
// by an event.
func ExampleVerifyQuery() {
	results, err := sigmac.Convert([]byte(exampleRule), "kusto")
	if err != nil {
		panic(err)
	}
	query := `DeviceNetworkEvents | where InitiatingProcessFolderPath endswith @"\tool.exe"`
	proof := sigmac.VerifyQuery(results[0], query, verify.DefaultBudget)
	fmt.Println(proof.Verdict, proof.Evidence.Direction)
	// Output: refuted wider
}
