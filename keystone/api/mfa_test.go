package api_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
)

const (
	codeKey  = "12345678901234567890"
	codeSeed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
)

// code is RFC 6238's, written out.
func code(at time.Time) string {
	m := hmac.New(sha1.New, []byte(codeKey))
	binary.Write(m, binary.BigEndian, at.Unix()/30)
	s := m.Sum(nil)
	o := s[19] & 0xf
	return fmt.Sprintf("%06d", (int(s[o]&0x7f)<<24|int(s[o+1])<<16|int(s[o+2])<<8|int(s[o+3]))%1000000)
}

func byPassword(user string) string {
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":%q,"password":%q}}},"scope":"unscoped"}}`, user, keystonetest.Password)
}

func byCode(user string, at time.Time) string {
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["totp"],"totp":{"user":{"id":%q,"passcode":%q}}},"scope":"unscoped"}}`, user, code(at))
}

// earlyInHalfMinute waits until codes made now last for a while.
func earlyInHalfMinute() {
	for time.Now().Unix()%30 > 26 {
		time.Sleep(100 * time.Millisecond)
	}
}

// coded gives a user a seed of passcodes.
func (s *site) coded(user string) {
	s.t.Helper()
	if err := s.CreateCredential(s.t.Context(), &keystone.Credential{UserID: user, Type: "totp", Blob: codeSeed}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) ruled(user, options string) {
	s.t.Helper()
	s.must(200, s.Admin(), "PATCH /v3/users/"+user, `{"user":{"options":`+options+`}}`)
}

func methods(out map[string]any, thing string) string {
	m, _ := out[thing].(map[string]any)
	var l []string
	for _, x := range m["methods"].([]any) {
		l = append(l, x.(string))
	}
	slices.Sort(l)
	return strings.Join(l, " ")
}

func TestTwoFactorsByReceipt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := openWith(t, db, keystone.Options{TOTP: true})
		before := s.Token("ann", "p", "member")
		s.Token("bob", "p", "member")
		ann, bob := s.userID("ann"), s.userID("bob")
		for _, u := range []string{ann, bob} {
			s.coded(u)
			s.ruled(u, `{"multi_factor_auth_enabled":true,"multi_factor_auth_rules":[["password","totp"],["application_credential"]]}`)
		}
		earlyInHalfMinute()
		w, out := s.do("", "POST /v3/auth/tokens", byPassword(ann))
		receipt := w.Header().Get("Openstack-Auth-Receipt")
		if w.Code != 401 || receipt == "" || w.Header().Get("X-Subject-Token") != "" || methods(out, "receipt") != "password" {
			t.Fatal(w.Code, w.Header(), w.Body)
		}
		r := out["receipt"].(map[string]any)
		issued, _ := time.Parse(time.RFC3339Nano, r["issued_at"].(string))
		ends, _ := time.Parse(time.RFC3339Nano, r["expires_at"].(string))
		if life := ends.Sub(issued); life < 298*time.Second || life > 300*time.Second {
			t.Error("it lasts", life)
		}
		if want := fmt.Sprint(map[string]any{"id": ann, "name": "ann", "domain": map[string]any{"id": "default", "name": "Default"}}); fmt.Sprint(r["user"]) != want {
			t.Error(r["user"])
		}
		if fmt.Sprint(out["required_auth_methods"]) != "[[password totp]]" {
			t.Error(out["required_auth_methods"])
		}
		now := time.Now()
		with := func(body, receipt string) *httptest.ResponseRecorder {
			w, _ := s.do("", "POST /v3/auth/tokens", body, "Openstack-Auth-Receipt", receipt)
			return w
		}
		for what, w := range map[string]*httptest.ResponseRecorder{
			"another's receipt":       with(byCode(bob, now), receipt),
			"a changed one":           with(byPassword(ann), receipt[:len(receipt)-4]+"AAAA"),
			"a token for a receipt":   with(byPassword(ann), before),
			"a receipt for a token":   s.ret(receipt, "GET /v3/auth/projects", ""),
			"the same method again":   with(byPassword(ann), receipt),
			"a wrong code":            with(byCode(ann, now.Add(time.Hour)), receipt),
			"none":                    with(byPassword(ann), ""),
			"a receipt and no method": with(`{"auth":{"identity":{"methods":[]}}}`, receipt),
		} {
			if w.Code != 401 || w.Header().Get("X-Subject-Token") != "" {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
		}
		w, out = s.do("", "POST /v3/auth/tokens", byCode(ann, now), "Openstack-Auth-Receipt", receipt)
		if w.Code != 201 || methods(out, "token") != "password totp" {
			t.Fatal(w.Code, w.Body)
		}
		both := w.Header().Get("X-Subject-Token")
		again := func(tok string) (*httptest.ResponseRecorder, map[string]any) {
			return s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["token"],"token":{"id":%q}},"scope":{"project":{"id":%q}}}}`, tok, s.Project("p")))
		}
		if w, out := again(both); w.Code != 201 || methods(out, "token") != "password token totp" {
			t.Error("a token of both is not exchanged:", w.Code, w.Body)
		}
		if w, _ := again(before); w.Code != 401 || w.Header().Get("Openstack-Auth-Receipt") == "" {
			t.Error("a token of one method got around the rules:", w.Code, w.Body)
		}
		// both at once
		w, _ = s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["totp","password"],"password":{"user":{"id":%q,"password":%q}},"totp":{"user":{"id":%q,"passcode":%q}}},"scope":"unscoped"}}`,
			bob, keystonetest.Password, bob, code(now.Add(-30*time.Second))))
		if w.Code != 201 {
			t.Error(w.Code, w.Body)
		}
	})
}

// ret is do without the answer's members.
func (s *site) ret(token, call, body string) *httptest.ResponseRecorder {
	w, _ := s.do(token, call, body)
	return w
}

func TestRulesThatCannotBeMetAreNone(t *testing.T) {
	s := open(t, dbtest.SQLite(t)) // without passcodes
	s.Token("ann", "p", "member")
	ann := s.userID("ann")
	for options, want := range map[string]int{
		`{"multi_factor_auth_rules":[["password","totp"]]}`:                                         201, // totp is not offered
		`{"multi_factor_auth_rules":[["nosuch"]]}`:                                                  201,
		`{"multi_factor_auth_rules":[["nosuch"],["application_credential"]]}`:                       401,
		`{"multi_factor_auth_rules":[["token","password"]]}`:                                        401,
		`{"multi_factor_auth_rules":[["token","password"],["password"]]}`:                           201,
		`{"multi_factor_auth_enabled":false,"multi_factor_auth_rules":[["token"]]}`:                 201,
		`{"multi_factor_auth_enabled":true,"multi_factor_auth_rules":null}`:                         201,
		`{"multi_factor_auth_enabled":null,"multi_factor_auth_rules":[["application_credential"]]}`: 401,
	} {
		s.ruled(ann, options)
		if got := s.ask("", "POST /v3/auth/tokens", byPassword(ann)); got != want {
			t.Errorf("%s: %d, not %d", options, got, want)
		}
	}
	for _, bad := range []string{`[[]]`, `[["a","a"]]`, `[["a"],["a"]]`, `[[5]]`, `"password"`, `["password"]`} {
		s.must(400, s.Admin(), "PATCH /v3/users/"+ann, `{"user":{"options":{"multi_factor_auth_rules":`+bad+`}}}`)
	}
}

// A receipt is no way around what ended since: it is as good as the proof was.
func TestReceiptsEndWithTheirUser(t *testing.T) {
	s := openWith(t, dbtest.SQLite(t), keystone.Options{TOTP: true})
	s.Token("ann", "p", "member")
	ann := s.userID("ann")
	s.coded(ann)
	s.ruled(ann, `{"multi_factor_auth_rules":[["password","totp"]]}`)
	earlyInHalfMinute()
	w, _ := s.do("", "POST /v3/auth/tokens", byPassword(ann))
	receipt := w.Header().Get("Openstack-Auth-Receipt")
	s.must(200, s.Admin(), "PATCH /v3/users/"+ann, `{"user":{"enabled":false}}`)
	if w, _ := s.do("", "POST /v3/auth/tokens", byPassword(ann)); w.Code != 401 || w.Header().Get("Openstack-Auth-Receipt") != "" {
		t.Error("a disabled user got a receipt:", w.Code)
	}
	if w, _ := s.do("", "POST /v3/auth/tokens", byCode(ann, time.Now()), "Openstack-Auth-Receipt", receipt); w.Code != 401 {
		t.Error("a disabled user signed in:", w.Code)
	}
	s.must(200, s.Admin(), "PATCH /v3/users/"+ann, `{"user":{"enabled":true,"password":"`+keystonetest.Password+`"}}`)
	if w, _ := s.do("", "POST /v3/auth/tokens", byCode(ann, time.Now().Add(-30*time.Second)), "Openstack-Auth-Receipt", receipt); w.Code != 401 || !strings.Contains(w.Body.String(), "Could not find auth receipt") {
		t.Error("a receipt of the old password counts:", w.Code, w.Body)
	}
}
