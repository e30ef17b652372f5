// Package answers holds the readers against what vendors' engines and documents
// answer.
//
// They are no part of the project: see Answers of package corpus. What is counted of
// them stands in testdata.
package answers
