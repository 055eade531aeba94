package api_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

func mac256(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func mac1(key, text string) string {
	m := hmac.New(sha1.New, []byte(key))
	m.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// v4 signs a text as Amazon's documents say, step by step.
func v4(secret, day, region, service, text string) string {
	k := mac256([]byte("AWS4"+secret), day)
	k = mac256(k, region)
	k = mac256(k, service)
	k = mac256(k, "aws4_request")
	return hex.EncodeToString(mac256(k, text))
}

func body(t *testing.T, name string, v map[string]any) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{name: v})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func ec2V0(access, secret string, at time.Time) map[string]any {
	stamp := at.UTC().Format("2006-01-02T15:04:05Z")
	return map[string]any{"access": access, "signature": mac1(secret, "DescribeInstances"+stamp),
		"params": map[string]string{"SignatureVersion": "0", "Action": "DescribeInstances", "Timestamp": stamp}}
}

func ec2V1(access, secret string, at time.Time) map[string]any {
	stamp := at.UTC().Format("2006-01-02T15:04:05Z")
	return map[string]any{"access": access, "signature": mac1(secret, "ActionListAWSAccessKeyId"+access+"SignatureVersion1Timestamp"+stamp),
		"params": map[string]string{"SignatureVersion": "1", "Action": "List", "AWSAccessKeyId": access, "Timestamp": stamp}}
}

func ec2V2(access, secret string, at time.Time) map[string]any {
	stamp := at.UTC().Format("2006-01-02T15:04:05Z")
	text := "GET\nec2.example\n/services/Cloud\nAWSAccessKeyId=" + access + "&Action=List%20all~%2A&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=" +
		strings.ReplaceAll(stamp, ":", "%3A")
	return map[string]any{"access": access, "signature": base64.StdEncoding.EncodeToString(mac256([]byte(secret), text)),
		"verb": "GET", "host": "ec2.example:8773", "path": "/services/Cloud",
		"params": map[string]string{"SignatureVersion": "2", "SignatureMethod": "HmacSHA256", "Action": "List all~*", "AWSAccessKeyId": access, "Timestamp": stamp}}
}

func ec2V4(access, secret string, at time.Time) map[string]any {
	date := at.UTC().Format("20060102T150405Z")
	scope := date[:8] + "/RegionOne/ec2/aws4_request"
	sum := sha256.Sum256([]byte("Action=List"))
	request := "POST\n/\na=1&b=x%20y\nhost:ec2.example\nx-amz-date:" + date + "\n\nhost;x-amz-date\n" + hex.EncodeToString(sum[:])
	hashed := sha256.Sum256([]byte(request))
	sig := v4(secret, date[:8], "RegionOne", "ec2", "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(hashed[:]))
	return map[string]any{"access": access, "signature": sig, "verb": "POST", "host": "ec2.example", "path": "/", "body_hash": hex.EncodeToString(sum[:]),
		"params": map[string]string{"b": "x y", "a": "1"}, "headers": map[string]string{"Host": "ec2.example", "X-Amz-Date": date,
			"Authorization": "AWS4-HMAC-SHA256 Credential=" + access + "/" + scope + ", SignedHeaders=host;x-amz-date, Signature=" + sig}}
}

func s3V1(access, secret string, at time.Time) map[string]any {
	text := "GET\n\n\n" + at.UTC().Format(http.TimeFormat) + "\n/bucket/key"
	return map[string]any{"access": access, "token": base64.URLEncoding.EncodeToString([]byte(text)), "signature": mac1(secret, text)}
}

func s3V4(access, secret string, at time.Time) map[string]any {
	date := at.UTC().Format("20060102T150405Z")
	text := "AWS4-HMAC-SHA256\n" + date + "\n" + date[:8] + "/RegionOne/s3/aws4_request\n" + strings.Repeat("ab", 32)
	return map[string]any{"access": access, "token": base64.URLEncoding.EncodeToString([]byte(text)), "signature": v4(secret, date[:8], "RegionOne", "s3", text)}
}

// key makes a key pair through the API.
func (s *site) key(token, user, project string) (access, secret string) {
	s.t.Helper()
	w, out := s.do(token, "POST /v3/users/"+user+"/credentials/OS-EC2", `{"tenant_id":"`+project+`"}`)
	if w.Code != 201 {
		s.t.Fatal(w.Code, w.Body)
	}
	k := out["credential"].(map[string]any)
	return k["access"].(string), k["secret"].(string)
}

func roleNames(out map[string]any) string {
	var names []string
	t, _ := out["token"].(map[string]any)
	roles, _ := t["roles"].([]any)
	for _, r := range roles {
		names = append(names, r.(map[string]any)["name"].(string))
	}
	return strings.Join(names, " ")
}

func TestSignaturesOfEveryKindMakeATokenForTheirService(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		service, now := s.Token("swift", "services", "service"), time.Now()
		p := s.Project("p")
		ann := s.Token("ann", "p", "member")
		me := s.userID("ann")
		access, secret := s.key(ann, me, p)
		names := []string{"credentials", "credential", "ec2Credentials"}
		for n, c := range []struct {
			name, path string
			sign       func(access, secret string, at time.Time) map[string]any
			old        time.Duration // too old; 0 is none
		}{
			{"v0", "ec2tokens", ec2V0, 16 * time.Minute}, {"v1", "ec2tokens", ec2V1, 16 * time.Minute}, {"v2", "ec2tokens", ec2V2, 16 * time.Minute},
			{"v4", "ec2tokens", ec2V4, 16 * time.Minute}, {"s3 v1", "s3tokens", s3V1, 0}, {"s3 v4", "s3tokens", s3V4, 169 * time.Hour},
		} {
			call := "POST /v3/" + c.path
			good := body(t, names[n%3], c.sign(access, secret, now))
			w, out := s.do(service, call, good)
			if w.Code != 200 {
				t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
				continue
			}
			tok := out["token"].(map[string]any)
			if fmt.Sprint(tok["methods"]) != "[ec2credential]" || tok["user"].(map[string]any)["id"] != me || tok["project"].(map[string]any)["id"] != p || roleNames(out) != "member reader" || tok["catalog"] == nil {
				t.Errorf("%s: %v", c.name, tok)
			}
			sub := w.Header().Get("X-Subject-Token")
			if w, _ := s.do(s.Admin(), "GET /v3/auth/tokens", "", "X-Subject-Token", sub); w.Code != 200 {
				t.Errorf("%s: the token does not check: %d", c.name, w.Code)
			}
			for what, body := range map[string]string{
				"another secret": body(t, "credentials", c.sign(access, secret+"x", now)), "another key": body(t, "credentials", c.sign("nobody", secret, now)),
				"too old": body(t, "credentials", c.sign(access, secret, now.Add(-c.old))),
			} {
				if what == "too old" && c.old == 0 {
					continue
				}
				if w, _ := s.do(service, call, body); w.Code != 401 || w.Header().Get("X-Subject-Token") != "" {
					t.Errorf("%s by %s: %d %s", c.name, what, w.Code, w.Body)
				}
			}
		}
	})
}

// Nobody but services and administrators has a signature checked: else whoever sees
// one could make a token of it.
func TestCVE_2025_65073(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	p, ann := s.Project("p"), s.Token("ann", "p", "member")
	access, secret := s.key(ann, s.userID("ann"), p)
	for path, signed := range map[string]map[string]any{"ec2tokens": ec2V4(access, secret, time.Now()), "s3tokens": s3V1(access, secret, time.Now())} {
		good := body(t, "credentials", signed)
		for token, want := range map[string]int{"": 401, "nonsense": 401, ann: 403, s.Token("bob", "p", "manager"): 403, s.Admin(): 200} {
			if w, _ := s.do(token, "POST /v3/"+path, good); w.Code != want || (want != 200 && w.Header().Get("X-Subject-Token") != "") {
				t.Errorf("%s: %d, not %d: %s", path, w.Code, want, w.Body)
			}
		}
		for _, unsigned := range []map[string]any{{}, {"access": access}, {"access": access, "signature": ""}, {"access": access, "signature": "", "token": ""}} {
			if got := s.ask(s.Admin(), "POST /v3/"+path, body(t, "credentials", unsigned)); got != 401 {
				t.Errorf("%s of %v: %d", path, unsigned, got)
			}
		}
		if got := s.ask(s.Admin(), "POST /v3/"+path, `{"credentials":{"access":5}}`); got != 400 {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func TestATokenBySignatureIsNotForIdentity(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	p, admin := s.Project("p"), s.Token("root", "p", "admin")
	access, secret := s.key(admin, s.userID("root"), p)
	w, _ := s.do(admin, "POST /v3/s3tokens", body(t, "credentials", s3V4(access, secret, time.Now())))
	tok := w.Header().Get("X-Subject-Token")
	if w.Code != 200 || tok == "" {
		t.Fatal(w.Code, w.Body)
	}
	if got := s.ask(tok, "GET /v3/users", ""); got != 401 {
		t.Error(got)
	}
	if got := s.ask("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+tok+`"}}}}`); got != 403 {
		t.Error(got)
	}
}

func TestAKeyDiesWithWhatItStandsOn(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	for name, end := range map[string]string{
		"user disabled": "PATCH /v3/users/$u", "user deleted": "DELETE /v3/users/$u", "project disabled": "PATCH /v3/projects/$p",
		"project deleted": "DELETE /v3/projects/$p", "role gone": "DELETE /v3/projects/$p/users/$u/roles/$r", "key deleted": "DELETE /v3/users/$u/credentials/OS-EC2/$a",
	} {
		n := strings.ReplaceAll(name, " ", "")
		p, ann := s.Project(n), s.Token(n, n, "member")
		u := s.userID(n)
		access, secret := s.key(ann, u, p)
		good := body(t, "credentials", ec2V4(access, secret, time.Now()))
		if got := s.ask(s.Admin(), "POST /v3/ec2tokens", good); got != 200 {
			t.Fatal(name, got)
		}
		change := ""
		if strings.HasPrefix(end, "PATCH") {
			change = `{"` + strings.Fields(name)[0] + `":{"enabled":false}}`
		}
		if w, _ := s.do(s.Admin(), strings.NewReplacer("$u", u, "$p", p, "$r", s.roleID("member"), "$a", access).Replace(end), change); w.Code >= 300 {
			t.Fatal(name, w.Code, w.Body)
		}
		if got := s.ask(s.Admin(), "POST /v3/ec2tokens", good); got != 401 {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// A key made by a delegated token gives what was delegated, however it was made,
// and cannot be freed.
func TestAKeyMadeByDelegationStaysInIt(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	p, ann := s.Project("p"), s.Token("ann", "p", "manager", "member")
	me := s.userID("ann")
	w, out := s.do(ann, "POST /v3/users/"+me+"/application_credentials", `{"application_credential":{"name":"a","unrestricted":true,"roles":[{"name":"member"}]}}`)
	if w.Code != 201 {
		t.Fatal(w.Code, w.Body)
	}
	cred := out["application_credential"].(map[string]any)
	w, _ = s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":%q,"secret":%q}}}}`, cred["id"], cred["secret"]))
	by := w.Header().Get("X-Subject-Token")
	access, secret := s.key(by, me, p)
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(access)))
	made := s.must(201, by, "POST /v3/credentials", fmt.Sprintf(`{"credential":{"type":"ec2","user_id":%q,"project_id":%q,"blob":"{\"access\":\"mine\",\"secret\":\"sss\",\"app_cred_id\":\"\",\"App_Cred_Id\":\"\"}"}}`, me, p))
	for a, sec := range map[string]string{access: secret, "mine": "sss"} {
		w, out := s.do(s.Admin(), "POST /v3/ec2tokens", body(t, "credentials", ec2V4(a, sec, time.Now())))
		if w.Code != 200 || roleNames(out) != "member reader" || out["token"].(map[string]any)["application_credential"] == nil {
			t.Errorf("%s: %d %s", a, w.Code, w.Body)
		}
	}
	for _, c := range []string{id, made} {
		if got := s.ask(by, "PATCH /v3/credentials/"+c, `{"credential":{"blob":"{\"access\":\"mine\",\"secret\":\"sss\"}"}}`); got != 400 {
			t.Error(got)
		}
	}
	if got := s.ask(ann, "DELETE /v3/users/"+me+"/application_credentials/"+cred["id"].(string), ""); got != 204 {
		t.Fatal(got)
	}
	if got := s.ask(s.Admin(), "POST /v3/ec2tokens", body(t, "credentials", ec2V4(access, secret, time.Now()))); got != 401 {
		t.Error("the key outlived its application credential:", got)
	}
	s.must(201, ann, "POST /v3/credentials", fmt.Sprintf(`{"credential":{"type":"ec2","user_id":%q,"project_id":%q,"blob":"{\"access\":\"o\",\"secret\":\"s\",\"access_token_id\":\"x\"}"}}`, me, p))
	if got := s.ask(s.Admin(), "POST /v3/ec2tokens", body(t, "credentials", ec2V4("o", "s", time.Now()))); got != 401 {
		t.Error("a key bound to an OAuth token gave one:", got)
	}
}

func TestAKeyMadeByATrust(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	for _, impersonation := range []bool{true, false} {
		p, ann := s.Project("p"), s.Token("ann", "p", "manager")
		s.Token("bob", "", "")
		tor, tee := s.userID("ann"), s.userID("bob")
		trust := s.must(201, ann, "POST /v3/OS-TRUST/trusts", fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,"impersonation":%t,"roles":[{"name":"member"}]}}`, tor, tee, p, impersonation))
		w, _ := s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":%q,"password":"correct horse"}}},"scope":{"OS-TRUST:trust":{"id":%q}}}}`, tee, trust))
		whose := tee
		if impersonation {
			whose = tor
		}
		access, secret := s.key(w.Header().Get("X-Subject-Token"), whose, p)
		good := body(t, "credentials", ec2V4(access, secret, time.Now()))
		w, out := s.do(s.Admin(), "POST /v3/ec2tokens", good)
		if w.Code != 200 || roleNames(out) != "member reader" || out["token"].(map[string]any)["user"].(map[string]any)["id"] != whose {
			t.Fatal(impersonation, w.Code, w.Body)
		}
		eve := s.Token("eve", "p", "member")
		s.must(201, eve, "POST /v3/credentials", fmt.Sprintf(`{"credential":{"type":"ec2","user_id":%q,"project_id":%q,"blob":"{\"access\":\"e%t\",\"secret\":\"s\",\"trust_id\":\"%s\"}"}}`, s.userID("eve"), p, impersonation, trust))
		if got := s.ask(s.Admin(), "POST /v3/ec2tokens", body(t, "credentials", ec2V4(fmt.Sprintf("e%t", impersonation), "s", time.Now()))); got != 401 {
			t.Error("another's trust was used:", got)
		}
		s.must(204, ann, "DELETE /v3/OS-TRUST/trusts/"+trust, "")
		if got := s.ask(s.Admin(), "POST /v3/ec2tokens", good); got != 401 {
			t.Error("the key outlived its trust:", got)
		}
	}
}
