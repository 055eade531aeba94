//go:build e2e

package scripts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stackd/test/cloudtest"
)

// A gate is an S3 service that knows nobody: whoever asks has signed, and identity
// says who that is, by s3tokens.
type gate struct {
	t     *testing.T
	cloud *cloudtest.Client
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	access, signature, signed := v4(r)
	if access == "" {
		access, signature, signed = v2(r)
	}
	var out struct {
		Token struct{ User struct{ Name string } }
	}
	_, err := g.cloud.Send(r.Context(), "POST", g.cloud.Catalog["identity"]+"/s3tokens", nil, map[string]any{"credentials": map[string]string{
		"access": access, "signature": signature, "token": base64.URLEncoding.EncodeToString([]byte(signed))}}, &out)
	w.Header().Set("Content-Type", "application/xml")
	if err != nil {
		g.t.Log(err)
		w.WriteHeader(403)
		io.WriteString(w, `<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>`)
		return
	}
	fmt.Fprintf(w, `<?xml version="1.0"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>x</ID></Owner><Buckets><Bucket><Name>of-%s</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>`, out.Token.User.Name)
}

var v4Header = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$`)

// v4 is the key, the signature and the text that was signed (AWS Signature Version 4).
func v4(r *http.Request) (access, signature, signed string) {
	m := v4Header.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return "", "", ""
	}
	r.Header.Set("Host", r.Host)
	var headers strings.Builder
	for _, h := range strings.Split(m[3], ";") {
		headers.WriteString(h + ":" + strings.TrimSpace(r.Header.Get(h)) + "\n")
	}
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	canonical := strings.Join([]string{r.Method, (&url.URL{Path: r.URL.Path}).EscapedPath(), query, headers.String(), m[3], r.Header.Get("X-Amz-Content-Sha256")}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	return m[1], m[4], strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), m[2], hex.EncodeToString(sum[:])}, "\n")
}

// v2 is the same of the older signature.
func v2(r *http.Request) (access, signature, signed string) {
	access, signature, _ = strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS "), ":")
	var amz strings.Builder
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		if k := strings.ToLower(k); strings.HasPrefix(k, "x-amz-") {
			amz.WriteString(k + ":" + r.Header.Get(k) + "\n")
		}
	}
	return access, signature, strings.Join([]string{r.Method, r.Header.Get("Content-MD5"), r.Header.Get("Content-Type"), r.Header.Get("Date")}, "\n") + "\n" + amz.String() + r.URL.Path
}

// s3cmd signs, a service hands the signature to identity, and the key's owner is known.
func TestARealSigner(t *testing.T) {
	c, err := cloudtest.New(t.TempDir(), "--sim", "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Up(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Down() })
	env, err := c.Login("admin")
	if err != nil {
		t.Fatal(err)
	}
	admin, err := cloudtest.SignIn(context.Background(), env)
	if err != nil {
		t.Fatal(err)
	}
	var key struct {
		Credential struct{ Access, Secret string }
	}
	if err := admin.Do(t.Context(), "POST", "identity", "/users/"+admin.UserID+"/credentials/OS-EC2", map[string]string{"tenant_id": admin.ProjectID}, &key); err != nil {
		t.Fatal(err)
	}
	gate := httptest.NewServer(&gate{t, admin})
	defer gate.Close()
	for _, how := range [][]string{nil, {"--signature-v2"}} {
		if out, err := s3cmd(t, gate.URL, key.Credential.Access, key.Credential.Secret, how...); err != nil || !strings.Contains(out, "s3://of-admin") {
			t.Errorf("%v: %v %s", how, err, out)
		}
		if out, err := s3cmd(t, gate.URL, key.Credential.Access, "of somebody else", how...); err == nil || strings.Contains(out, "s3://") {
			t.Errorf("%v: a wrong secret is let in: %s", how, out)
		}
	}
}

func s3cmd(t *testing.T, at, access, secret string, more ...string) (string, error) {
	host := strings.TrimPrefix(at, "http://")
	conf := filepath.Join(t.TempDir(), "s3cfg")
	if err := os.WriteFile(conf, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--config", conf, "--no-ssl", "--host", host, "--host-bucket", host, "--access_key", access, "--secret_key", secret, "--region", "RegionOne"}, more...)
	out, err := exec.Command("s3cmd", append(args, "ls")...).CombinedOutput()
	return string(out), err
}
