package rest

import (
	"bytes"
	"net/url"
	"strings"
	"unicode/utf8"

	"stackd/internal/fault"
)

// text refuses what is no text, or holds a NUL, which PostgreSQL cannot keep: in
// the path it names nothing, elsewhere it is bad input.
func (a *API) text(c *Call) error {
	if !isText(c.URL.Path) {
		return fault.New(fault.NotFound, "The resource could not be found.").Named("path")
	}
	if !strings.Contains(c.URL.RawQuery, "%") {
		return nil
	}
	if q, err := url.QueryUnescape(c.URL.RawQuery); err != nil || !isText(q) {
		return fault.New(fault.Invalid, "Invalid input for query parameters: they are no text.")
	}
	return nil
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

var escapedNUL = []byte(`\u0000`)

// holdsNUL tells whether a JSON text has a NUL in one of its strings: written
// \u0000, with an even number of backslashes in front.
func holdsNUL(b []byte) bool {
	for at := 0; ; {
		n := bytes.Index(b[at:], escapedNUL)
		if n < 0 {
			return false
		}
		at += n
		slashes := 0
		for at-slashes > 0 && b[at-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return true
		}
		at += len(escapedNUL)
	}
}
