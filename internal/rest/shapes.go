package rest

import (
	"fmt"
	"net/http"
)

// WebOb is the error shape of OpenStack's middleware, which some services use
// throughout and others where no service code is reached.
func WebOb(status int, text string) any {
	title := http.StatusText(status)
	return webOb{text + "<br /><br />\n\n\n", fmt.Sprintf("%d %s", status, title), title}
}

type webOb struct {
	Message string `wire:"message"`
	Code    string `wire:"code"`
	Title   string `wire:"title"`
}

// Unidentified is the error shape of keystone's middleware: status 401.
func Unidentified() any {
	return map[string]any{"error": unidentified{401, "Unauthorized", "The request you have made requires authentication."}}
}

type unidentified struct {
	Code    int    `wire:"code"`
	Title   string `wire:"title"`
	Message string `wire:"message"`
}
