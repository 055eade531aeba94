package keystone

import (
	"bytes"
	"crypto/sha512"
	"strconv"
	"strings"
)

// isCrypt checks "$6$salt$digest" and "$6$rounds=N$salt$digest", the crypt(3) of
// Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512", which older keystones used.
func isCrypt(kept, password string) (bool, error) {
	f := strings.Split(kept, "$")[2:]
	turns := 5000
	if n, ok := strings.CutPrefix(f[0], "rounds="); ok {
		var err error
		if turns, err = strconv.Atoi(n); err != nil {
			return false, errHash
		}
		f = f[1:]
	}
	if len(f) != 2 || len(f[0]) > 16 || turns < 1000 || turns > maxTurns || len(password) > 4096 {
		return false, errHash
	}
	return equal([]byte(crypt512([]byte(password), []byte(f[0]), turns)), []byte(f[1])), nil
}

func sum512(parts ...[]byte) []byte {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// stretch is digest over and over, n bytes of it.
func stretch(digest []byte, n int) []byte {
	return bytes.Repeat(digest, n/len(digest)+1)[:n]
}

func crypt512(key, salt []byte, turns int) string {
	p := stretch(sum512(bytes.Repeat(key, len(key))), len(key))
	a := firstCrypt(key, salt)
	s := stretch(sum512(bytes.Repeat(salt, 16+int(a[0]))), len(salt))
	for n := range turns {
		h := sha512.New()
		h.Write(pick(n%2 != 0, p, a))
		if n%3 != 0 {
			h.Write(s)
		}
		if n%7 != 0 {
			h.Write(p)
		}
		h.Write(pick(n%2 != 0, a, p))
		a = h.Sum(nil)
	}
	return shuffled(a)
}

func pick(first bool, a, b []byte) []byte {
	if first {
		return a
	}
	return b
}

// firstCrypt is digest A of the description.
func firstCrypt(key, salt []byte) []byte {
	b := sum512(key, salt, key)
	h := sha512.New()
	h.Write(key)
	h.Write(salt)
	h.Write(stretch(b, len(key)))
	for n := len(key); n > 0; n >>= 1 {
		h.Write(pick(n&1 != 0, b, key))
	}
	return h.Sum(nil)
}

const cryptLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// shuffled writes the digest in crypt's order of bytes and its own base64.
func shuffled(a []byte) string {
	var out []byte
	group := func(v, n int) {
		for range n {
			out = append(out, cryptLetters[v&63])
			v >>= 6
		}
	}
	for n := range 21 {
		i := [3]int{n, n + 21, n + 42}
		x, y, z := i[n%3], i[(n+1)%3], i[(n+2)%3]
		group(int(a[x])<<16|int(a[y])<<8|int(a[z]), 4)
	}
	group(int(a[63]), 2)
	return string(out)
}
