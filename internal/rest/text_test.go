package rest

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnlyTextIsTaken(t *testing.T) {
	h := handler(t)
	for _, c := range []struct {
		req, body string
		want      int
	}{
		{"GET /servers/s1%00", "", 404},
		{"GET /servers/s1%ff", "", 404},
		{"GET /servers/detail?name=%00", "", 400},
		{"GET /servers/detail?name=%ff", "", 400},
		{"GET /servers/detail?name=%zz", "", 400},
		{"GET /servers/detail?name=%c3%a4", "", 200},
		{"POST /servers", `{"server":{"name":"\u0000","flavorRef":1}}`, 400},
		{"POST /servers", `{"server":{"name":"\\\u0000","flavorRef":1}}`, 400},
		{"POST /servers", `{"server":{"name":"a","flavorRef":"\\u0000"}}`, 202},
	} {
		method, url, _ := strings.Cut(c.req, " ")
		r := httptest.NewRequest(method, url, strings.NewReader(c.body))
		r.Header.Set("X-Auth-Token", "member")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s: %d, not %d: %s", c.req, c.body, w.Code, c.want, w.Body)
		}
	}
}
