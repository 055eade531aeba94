// Package answers reads and writes packstack's answer files: an INI file with one
// section, [general], and a key for each parameter.
//
// What the keys are, what they usually say, and what becomes of them here is one
// table, parameters.tsv: a parameter is honoured, mapped to what does the same job
// here, or has no meaning, with the reason. docs/answer-file.md is made from it.
package answers
