package keystone

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	digest "hash"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Signed request is one in the manner of EC2 or S3, as the service that received
// it hands it on to have its signature checked.
type Signed struct {
	Access    string
	Signature string

	// Of EC2: what was signed.
	Verb, Host, Path string
	Params, Headers  map[string]string
	BodyHash         string

	// Of S3: the very text that was signed, in base64.
	Token string
}

const (
	// signatureLife is how far a signature's time may be from now.
	signatureLife = 15 * time.Minute
	// presignedLife is how old a version 4 signature of S3 may be: an address signed
	// beforehand lasts at most so long. The object store looks at its exact end.
	presignedLife = 7 * 24 * time.Hour

	v4Name = "AWS4-HMAC-SHA256"
)

// bad is a signature that cannot be right, whatever the secret is.
func bad(why string) error { return Unauthorized("signature: " + why) }

func macOf(h func() digest.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func same(given, want string) bool { return hmac.Equal([]byte(given), []byte(want)) }

// ec2Signed tells whether the secret signed the request, and not too long ago.
func (s Signed) ec2Signed(secret string, now time.Time) error {
	if s.Signature == "" {
		return bad("there is none")
	}
	want, err := s.ec2Signature(secret)
	if err != nil {
		return err
	}
	if !same(s.Signature, want) {
		bare, _, err := net.SplitHostPort(s.Host) // some clients sign without the port
		if err != nil {
			return bad("it does not match")
		}
		s.Host = bare
		if want, err = s.ec2Signature(secret); err != nil || !same(s.Signature, want) {
			return bad("it does not match")
		}
	}
	return s.fresh(now)
}

func (s Signed) ec2Signature(secret string) (string, error) {
	key := []byte(secret)
	switch v := s.Params["SignatureVersion"]; v {
	case "0":
		return base64.StdEncoding.EncodeToString(macOf(sha1.New, key, s.Params["Action"]+s.Params["Timestamp"])), nil
	case "1":
		return base64.StdEncoding.EncodeToString(macOf(sha1.New, key, s.joined())), nil
	case "2":
		text := s.Verb + "\n" + s.Host + "\n" + s.Path + "\n" + s.query(true)
		return base64.StdEncoding.EncodeToString(macOf(sha256.New, key, text)), nil
	case "":
		return s.ec2SignatureV4(secret)
	default:
		return "", bad("its version is unknown")
	}
}

// names are those of the parameters that are signed, in order.
func (s Signed) names() []string {
	var names []string
	for k := range s.Params {
		if k != "Signature" && k != "X-Amz-Signature" {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	return names
}

// joined is what version 1 signs: names and values, one after the other.
func (s Signed) joined() string {
	names := s.names()
	slices.SortStableFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	var b strings.Builder
	for _, k := range names {
		b.WriteString(k + s.Params[k])
	}
	return b.String()
}

// query is the parameters as they are signed; version 2 is always SHA-256.
func (s Signed) query(v2 bool) string {
	names := s.names()
	if v2 && !slices.Contains(names, "SignatureMethod") {
		names = append(names, "SignatureMethod")
		slices.Sort(names)
	}
	var pairs []string
	for _, k := range names {
		v := s.Params[k]
		if v2 && k == "SignatureMethod" {
			v = "HmacSHA256"
		}
		pairs = append(pairs, escaped(k)+"="+escaped(v))
	}
	return strings.Join(pairs, "&")
}

func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// header is a header whatever its letters' case.
func (s Signed) header(name string) string {
	if v, ok := s.Headers[name]; ok {
		return v
	}
	for k, v := range s.Headers {
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return v
		}
	}
	return ""
}

// v4Part is one part of a version 4 signature's statement, which is in the header
// Authorization or, for an address signed beforehand, in the parameters.
func (s Signed) v4Part(name string) string {
	auth := s.header("Authorization")
	if auth == "" {
		return s.Params["X-Amz-"+name]
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(auth, v4Name), ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), name+"="); ok {
			return v
		}
	}
	return ""
}

func (s Signed) v4Date() string {
	if d := s.header("X-Amz-Date"); d != "" {
		return d
	}
	return s.Params["X-Amz-Date"]
}

func (s Signed) ec2SignatureV4(secret string) (string, error) {
	if auth := s.header("Authorization"); !strings.HasPrefix(auth, v4Name+" ") && (auth != "" || s.Params["X-Amz-Algorithm"] != v4Name) {
		return "", bad("its form is unknown")
	}
	access, scope, _ := strings.Cut(s.v4Part("Credential"), "/")
	parts, date, signed := strings.Split(scope, "/"), s.v4Date(), s.v4Part("SignedHeaders")
	if access != s.Access || len(parts) != 4 || parts[3] != "aws4_request" || !strings.HasPrefix(date, parts[0]+"T") || signed == "" || s.BodyHash == "" {
		return "", bad("its scope, date, headers or body hash are not as they must be")
	}
	var lines strings.Builder
	for name := range strings.SplitSeq(signed, ";") {
		lines.WriteString(name + ":" + strings.TrimSpace(s.header(name)) + "\n")
	}
	request := strings.Join([]string{strings.ToUpper(s.Verb), s.Path, s.query(false), lines.String(), signed, s.BodyHash}, "\n")
	sum := sha256.Sum256([]byte(request))
	return v4Signature(secret, parts, strings.Join([]string{v4Name, date, scope, hex.EncodeToString(sum[:])}, "\n")), nil
}

// v4Signature signs with the key made for the scope: date, region, service.
func v4Signature(secret string, scope []string, text string) string {
	key := []byte("AWS4" + secret)
	for _, part := range scope {
		key = macOf(sha256.New, key, part)
	}
	return hex.EncodeToString(macOf(sha256.New, key, text))
}

// fresh: a signature carries its time, or that of its end.
func (s Signed) fresh(now time.Time) error {
	if s.Params["SignatureVersion"] == "" {
		return within(s.v4Date(), now, signatureLife)
	}
	if e := s.Params["Expires"]; e != "" && s.Params["SignatureVersion"] != "0" {
		end, err := moment(e)
		if err != nil || !now.Before(end) {
			return bad("it has expired")
		}
		if s.Params["Timestamp"] == "" {
			return nil
		}
	}
	return within(s.Params["Timestamp"], now, signatureLife)
}

func moment(text string) (t time.Time, err error) {
	for _, layout := range []string{"20060102T150405Z", time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return t, err
}

// within: no older than life, and not of a time that is yet to come.
func within(text string, now time.Time, life time.Duration) error {
	at, err := moment(text)
	if err != nil {
		return bad("its time is missing or no time")
	}
	if now.Sub(at) > life || at.Sub(now) > signatureLife {
		return bad("it has expired, or is not yet")
	}
	return nil
}

// s3Signed tells whether the secret signed the text.
func (s Signed) s3Signed(secret string, now time.Time) error {
	text, err := base64.URLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(s.Token))
	if err != nil || len(text) == 0 || s.Signature == "" {
		return bad("it, or what it signs, is missing")
	}
	if !strings.HasPrefix(string(text), "AWS4") {
		if !same(s.Signature, base64.StdEncoding.EncodeToString(macOf(sha1.New, []byte(secret), string(text)))) {
			return bad("it does not match")
		}
		return nil
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || lines[0] != v4Name {
		return bad("what it signs has no known form")
	}
	scope := strings.Split(lines[2], "/")
	if len(scope) != 4 || !slices.Contains([]string{"s3", "iam", "sts"}, scope[2]) || scope[3] != "aws4_request" || !strings.HasPrefix(lines[1], scope[0]+"T") {
		return bad("its scope is not as it must be")
	}
	if !same(s.Signature, v4Signature(secret, scope, string(text))) {
		return bad("it does not match")
	}
	return within(lines[1], now, presignedLife)
}
