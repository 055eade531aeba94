package main

import (
	"os/exec"
	"testing"
)

// What a shell makes of a quoted text is the text, and so is what we read back.
func TestQuote(t *testing.T) {
	for _, s := range []string{"plain", "two words", "al'ice", "'", "$(id)`id`\\", "a\"b", "", "''x''"} {
		out, err := exec.Command("sh", "-c", "printf %s "+quote(s)).Output()
		if err != nil || string(out) != s || unquote(quote(s)) != s {
			t.Errorf("%q: the shell reads %q, we read %q, %v", s, out, unquote(quote(s)), err)
		}
	}
}
