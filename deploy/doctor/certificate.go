package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"time"
)

// soon is when a certificate that ends is told of.
const soon = 14 * 24 * time.Hour

// Certificate sees that the certificate in a file is good for longer; then says what to
// do when it is not.
func Certificate(file, then string, now func() time.Time) Check {
	return Check{Name: "certificate", Look: func(context.Context) (string, string) {
		text, err := os.ReadFile(file)
		if err != nil {
			return Ill, fmt.Sprintf("%v; %s", err, then)
		}
		b, _ := pem.Decode(text)
		if b == nil {
			return Ill, fmt.Sprintf("%s holds no certificate; %s", file, then)
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return Ill, fmt.Sprintf("%s: %v; %s", file, err, then)
		}
		return Until(c.NotBefore, c.NotAfter, then, now())
	}}
}

// Until judges the time for which a certificate is good. One that does not live long is
// not told of before its last quarter.
func Until(from, to time.Time, then string, now time.Time) (string, string) {
	day := to.Local().Format(time.DateOnly)
	switch left := to.Sub(now); {
	case left <= 0:
		return Ill, fmt.Sprintf("it was good until %s; %s", day, then)
	case now.Before(from):
		return Ill, fmt.Sprintf("it is only good from %s on: is the clock right?", from.Local().Format(time.DateTime))
	case left < min(soon, to.Sub(from)/4):
		return Warning, fmt.Sprintf("it is good until %s; %s", day, then)
	}
	return Well, "it is good until " + day
}
