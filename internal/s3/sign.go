package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Sign puts an AWS signature, version 4, on a request.
func Sign(r *http.Request, body []byte, o Options, now time.Time) {
	sum := sha256.Sum256(body)
	hash, at := hex.EncodeToString(sum[:]), now.Format("20060102T150405Z")
	r.Header.Set("X-Amz-Content-Sha256", hash)
	r.Header.Set("X-Amz-Date", at)
	names := []string{"host", "x-amz-content-sha256", "x-amz-date"}
	if r.Header.Get("Range") != "" {
		names = append(names, "range")
		slices.Sort(names)
	}
	var headers strings.Builder
	for _, n := range names {
		v := r.Header.Get(n)
		if n == "host" {
			v = r.URL.Host
		}
		headers.WriteString(n + ":" + v + "\n")
	}
	canonical := strings.Join([]string{r.Method, canonicalPath(r.URL.Path), r.URL.RawQuery, headers.String(), strings.Join(names, ";"), hash}, "\n")
	scope := strings.Join([]string{at[:8], o.Region, "s3", "aws4_request"}, "/")
	digest := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", at, scope, hex.EncodeToString(digest[:])}, "\n")
	key := []byte("AWS4" + o.SecretKey)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+o.AccessKey+"/"+scope+", SignedHeaders="+strings.Join(names, ";")+", Signature="+hex.EncodeToString(mac(key, text)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonicalQuery is a query as it is signed: sorted, and %20 for spaces.
func canonicalQuery(q url.Values) string { return strings.ReplaceAll(q.Encode(), "+", "%20") }

func canonicalPath(p string) string {
	parts := strings.Split(p, "/")
	for n, s := range parts {
		parts[n] = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	}
	return strings.Join(parts, "/")
}
