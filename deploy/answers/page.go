package answers

import (
	"fmt"
	"io"
	"strings"
)

// Page writes docs/answer-file.md.
func Page(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# What becomes of an answer file?\n\n`stackd install --answer-file FILE` takes packstack's answer files as they are. This page is made by `make answer-file` from the table that it works by.\n")
	for _, part := range []struct{ verdict, title string }{
		{Honoured, "Does what it says"}, {Mapped, "Something else does its job"}, {None, "Has no meaning here"},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| key | usual | what it does, or why not |\n|---|---|---|\n", part.title)
		for _, p := range Parameters {
			if p.Verdict == part.verdict {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Key, code(p.Default), strings.ReplaceAll(p.Words, "|", `\|`))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func code(s string) string {
	switch {
	case s == "":
		return "–"
	case s[0] == '@':
		return "a " + s[1:] + " of its own"
	}
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}
