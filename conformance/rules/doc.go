// Package rules holds what becomes of the public rules. That is queries, refusals,
// verdicts, and answers on recorded events.
//
// The rules are no part of the project: see package corpus. What is counted of them
// stands in testdata.
package rules
