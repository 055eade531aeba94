package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is ill is mended when it is asked for, and looked at again; what could not be
// mended stays ill and says why.
func TestExamine(t *testing.T) {
	broken := map[string]bool{"mendable": true, "stubborn": true, "lying": true}
	check := func(name string, mend func(context.Context) error) Check {
		return Check{name, func(context.Context) (string, string) {
			if broken[name] {
				return Ill, name + " is broken"
			}
			return Well, "good"
		}, mend}
	}
	checks := []Check{
		check("fine", nil),
		check("mendable", func(context.Context) error { broken["mendable"] = false; return nil }),
		check("stubborn", func(context.Context) error { return errors.New("no spare parts") }),
		check("lying", func(context.Context) error { return nil }),
	}
	all := Examine(t.Context(), "h", checks, false)
	if !broken["mendable"] || all[1].State != Ill || !strings.Contains(all[1].Words, "--repair") || !Sick(all) {
		t.Errorf("%+v", all)
	}
	states := ""
	all = Examine(t.Context(), "h", checks, true)
	for _, f := range all {
		states += f.State + " "
	}
	if states != "well mended ill ill " || !strings.Contains(all[2].Words, "no spare parts") || !strings.Contains(all[1].Words, "it was: mendable is broken") {
		t.Errorf("%s %+v", states, all)
	}
	if Sick(all[:2]) {
		t.Error("what is mended is sick")
	}
}

func TestTracking(t *testing.T) {
	for line, want := range map[string]string{
		"C0A80405,192.168.4.5,4,1764349000.1,0.000012,0.0,0.0,0,0,0,0.1,0.2,64.0,Normal\n":           Well,
		"C0A80405,192.168.4.5,4,1764349000.1,-2.5,0.0,0.0,0,0,0,0.1,0.2,64.0,Normal\n":               Ill,
		"00000000,,0,0.000000000,0.000000000,0.0,0.0,0.000,0.000,0.000,1.0,1.0,0.0,Not synchronised": Ill,
		"506 Cannot talk to daemon": Ill,
	} {
		if got, words := tracking(line); got != want {
			t.Errorf("%q: %s %s", line, got, words)
		}
	}
}

func TestUntil(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for _, c := range []struct {
		from, to time.Duration
		want     string
	}{{-day, 300 * day, Well}, {-300 * day, 10 * day, Warning}, {-10 * day, -day, Ill}, {day, 2 * day, Ill}, {-day, 3 * day, Well}, {-3 * day, day / 2, Warning}} {
		if got, words := Until(now.Add(c.from), now.Add(c.to), "renew it", now); got != c.want {
			t.Errorf("%v: %s %s", c, got, words)
		}
	}
}

func TestCertificate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.pem")
	look := func() (string, string) { return Certificate(file, "make one", time.Now).Look(t.Context()) }
	if state, words := look(); state != Ill || !strings.Contains(words, "make one") {
		t.Error(state, words)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * 24 * time.Hour)}
	b, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err == nil {
		err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b}), 0o600)
	}
	if state, words := look(); err != nil || state != Well {
		t.Error(err, state, words)
	}
}
