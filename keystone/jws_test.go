package keystone_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
)

func TestSignedTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := keystonetest.New(t, db)
		j := keystonetest.With(t, db, keystone.Options{TokenProvider: "jws"})
		a, b := f.Token("ann", "p", "member"), j.Token("ann", "p", "member")
		if strings.Count(b, ".") != 2 || len(b) > 1200 {
			t.Fatal(len(b), b)
		}
		for n, c := range []*keystonetest.Cloud{f, j} {
			for m, tok := range []string{a, b} {
				if w, err := c.Check(t.Context(), tok); err != nil || w.User.Name != "ann" || w.Project.Name != "p" || !w.Has("member") || w.Has("admin") {
					t.Error(n, m, w, err)
				}
			}
		}
		parts := strings.Split(b, ".")
		var said map[string]any
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		if err := json.Unmarshal(payload, &said); err != nil || said["sub"] == "" {
			t.Fatal(err, said)
		}
		for what, bad := range map[string]string{
			"unsigned":         base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + ".",
			"another method":   base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + parts[1] + "." + parts[2],
			"another payload":  parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), "password", "passwore", 1))) + "." + parts[2],
			"a lost signature": parts[0] + "." + parts[1] + ".",
			"too long":         b + strings.Repeat("A", 9000),
			"dots":             "..",
		} {
			if _, err := f.Check(t.Context(), bad); !fault.Is(err, fault.Unauthorized) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := f.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Check(t.Context(), b); err != nil {
			t.Error("a token did not outlive one rotation:", err)
		}
		again := keystonetest.With(t, db, keystone.Options{TokenProvider: "jws"})
		if c := again.Token("ann", "p"); c == "" {
			t.Error("no token after a rotation")
		}
		for range 5 {
			if err := again.RotateKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := keystonetest.New(t, db).Check(t.Context(), b); !fault.Is(err, fault.Unauthorized) {
			t.Error("its key is gone, and it is good:", err)
		}
		keys, err := f.TokenKeys(t.Context())
		if err != nil || len(keys) != 10 || keys[0].Wrapped != "" {
			t.Error(keys, err)
		}
	})
}

func TestASignedTokenEnds(t *testing.T) {
	j := keystonetest.With(t, dbtest.SQLite(t), keystone.Options{TokenProvider: "jws", TokenLife: time.Second})
	tok := j.Token("ann", "p", "member")
	time.Sleep(1100 * time.Millisecond)
	if _, err := j.Check(t.Context(), tok); !fault.Is(err, fault.Unauthorized) {
		t.Error("it has ended:", err)
	}
	if _, err := j.Session(t.Context(), tok, true); err != nil {
		t.Error("a service may see it for longer:", err)
	}
}
