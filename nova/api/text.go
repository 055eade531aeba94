package api

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"strconv"
)

// text is a JSON value that may be a string, a number or a boolean.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func number(v any) int { n, _ := strconv.Atoi(text(v)); return n }

// canonical is an address in its shortest form, "" for none.
func canonical(ip string) string {
	if a, err := netip.ParseAddr(ip); err == nil {
		return a.String()
	}
	return ip
}

// password is a new administrator's password of 12 letters and digits.
func password() string { return rand.Text()[:12] }
