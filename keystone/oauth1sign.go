package keystone

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	digest "hash"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"stackd/internal/fault"
)

// stampLife is how far a signature's timestamp may be from now.
const stampLife = 10 * time.Minute

// An OAuthCall is a request that is signed in the manner of OAuth1 (RFC 5849).
type OAuthCall struct {
	Method        string
	URL           string // as the client addressed it: scheme, host, path, query
	Form          string // the body, when it is a form
	Authorization string // the header
	ProjectID     string // the header Requested-Project-Id
}

// oauthMacs are the ways to sign.
var oauthMacs = map[string]func() digest.Hash{"HMAC-SHA1": sha1.New, "HMAC-SHA256": sha256.New}

// wrongCall words what is wrong with a call's parameters.
func wrongCall(why string) error {
	return fault.New(fault.Invalid, "Validation failed with errors: invalid_request, detail message is: %s.", why)
}

// pairs are parameters, each a name and a value.
type pairs [][2]string

// get is the value of a parameter, "" when it is not there.
func (p pairs) get(name string) string {
	for _, x := range p {
		if x[0] == name {
			return x[1]
		}
	}
	return ""
}

// params reads the header's parameters, the realm left out. None may be twice there.
func (c OAuthCall) params() (pairs, error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(c.Authorization), " ")
	if !strings.EqualFold(scheme, "OAuth") || len(rest) > 4096 {
		return nil, wrongCall("there is no Authorization header of OAuth")
	}
	var out pairs
	for part := range strings.SplitSeq(rest, ",") {
		name, quoted, ok := strings.Cut(strings.TrimSpace(part), "=")
		value, err := url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`))
		if name, e := url.PathUnescape(name); !ok || err != nil || e != nil || out.get(name) != "" {
			return nil, wrongCall("malformed authorization header")
		} else if !strings.EqualFold(name, "realm") {
			out = append(out, [2]string{name, value})
		}
	}
	return out, nil
}

// form reads name=value&… with every value of every name.
func form(text string) (pairs, error) {
	m, err := url.ParseQuery(text)
	var out pairs
	for name, values := range m {
		for _, v := range values {
			out = append(out, [2]string{name, v})
		}
	}
	return out, err
}

// base is the text that is signed, of section 3.4.1.
func (c OAuthCall) base(header pairs) (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return "", wrongCall("malformed address")
	}
	query, err1 := form(u.RawQuery)
	body, err2 := form(c.Form)
	if err1 != nil || err2 != nil {
		return "", wrongCall("malformed parameters")
	}
	var lines []string
	for _, p := range slices.Concat(header, query, body) {
		if p[0] != "oauth_signature" {
			lines = append(lines, escaped(p[0])+"\x00"+escaped(p[1])) // names first, then values
		}
	}
	slices.Sort(lines)
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	all := strings.ReplaceAll(strings.Join(lines, "&"), "\x00", "=")
	return strings.ToUpper(c.Method) + "&" + escaped(u.Scheme+"://"+host+u.EscapedPath()) + "&" + escaped(all), nil
}

// stamp checks the parameters that do not depend on who signs, and is the time signed.
func stampOf(p pairs, now time.Time) (int64, error) {
	for _, name := range []string{"oauth_consumer_key", "oauth_signature", "oauth_signature_method", "oauth_nonce", "oauth_timestamp"} {
		if v := p.get(name); v == "" || len(v) > 128 {
			return 0, wrongCall("missing mandatory OAuth parameters")
		}
	}
	if v := p.get("oauth_version"); v != "" && v != "1.0" {
		return 0, wrongCall("invalid OAuth version")
	}
	if oauthMacs[p.get("oauth_signature_method")] == nil {
		return 0, wrongCall("invalid signature method")
	}
	at, err := strconv.ParseInt(p.get("oauth_timestamp"), 10, 64)
	if d := now.Sub(time.Unix(at, 0)); err != nil || d.Abs() > stampLife {
		return 0, wrongCall("timestamp given is invalid, differ from allowed by over 600 seconds")
	}
	return at, nil
}

// signed tells whether both secrets signed the call. A proxy in front may have
// taken TLS away: the scheme may be the other one.
func (c OAuthCall) signed(p pairs, consumer, token string) (bool, error) {
	key := []byte(escaped(consumer) + "&" + escaped(token))
	ok := false
	_, rest, _ := strings.Cut(c.URL, "://")
	for _, scheme := range []string{"http", "https"} {
		c.URL = scheme + "://" + rest
		text, err := c.base(p)
		if err != nil {
			return false, err
		}
		if same(p.get("oauth_signature"), base64.StdEncoding.EncodeToString(macOf(oauthMacs[p.get("oauth_signature_method")], key, text))) {
			ok = true
		}
	}
	return ok, nil
}
