// Package golden has cases of rules with events, and what becomes of them.
//
// The rule and its events are written by people, the rest by the test. The test runs
// the rule on the events as parsed, after every pass and as legalized for each
// target, and proves each query. Folder queries has facts about the languages of the
// targets in the same form, folder mapped rules that go through built-in pipelines.
package golden
