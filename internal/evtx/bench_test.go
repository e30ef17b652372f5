package evtx_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"sigmac/internal/evtx"
	"sigmac/internal/evtxtest"
)

// BenchmarkReader reads a log of 1000 events of a process's creation.
func BenchmarkReader(b *testing.B) {
	var l evtxtest.Log
	var in *evtxtest.Instance
	for i := range 1000 {
		next := evtxtest.Event(fmt.Sprintf(`{"Event": {"#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
			"System": {"Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon", "Guid": "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"}}, "EventID": 1, "Version": 5,
				"Level": 4, "Task": 1, "Opcode": 0, "Keywords": "0x8000000000000000", "TimeCreated": {"#attributes": {"SystemTime": "2024-02-29T01:02:03.4567891Z"}},
				"EventRecordID": %d, "Correlation": null, "Execution": {"#attributes": {"ProcessID": 3308, "ThreadID": 4008}}, "Channel": "Microsoft-Windows-Sysmon/Operational",
				"Computer": "host.example.local", "Security": {"#attributes": {"UserID": "S-1-5-18"}}},
			"EventData": {"UtcTime": "2024-02-29 01:02:03.456", "ProcessId": %d, "Image": "C:\\Windows\\System32\\cmd.exe", "CommandLine": "cmd.exe /c whoami /all > C:\\out.txt",
				"CurrentDirectory": "C:\\Users\\a\\", "User": "EXAMPLE\\a", "IntegrityLevel": "High", "Hashes": "SHA256=0000000000000000000000000000000000000000000000000000000000000000",
				"ParentProcessId": 12, "ParentImage": "C:\\Windows\\explorer.exe", "ParentCommandLine": "C:\\Windows\\explorer.exe /factory"}}}`, i+1, i))
		if in == nil {
			in = next
		}
		l.Add(&evtxtest.Instance{Template: in.Template, Values: next.Values})
	}
	file := l.Bytes(0)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for r := evtx.NewReader(bytes.NewReader(file), nil, largest); ; n++ {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		if n != 1000 {
			b.Fatal(n, "events")
		}
	}
}
