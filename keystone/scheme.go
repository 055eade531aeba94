package keystone

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/blowfish" //lint:ignore SA1019 bcrypt is made of it, and hashes of passwords that are there are to be read
	"golang.org/x/crypto/scrypt"
)

// A scheme is one way to hash passwords. A kept hash tells by its beginning which
// one made it, with which parameters; those of a planted hash are bounded, so that
// checking it takes neither all memory nor all time. The formats are passlib's.
type scheme struct {
	marks []string
	// make is a new hash; nil where hashes are only checked.
	make func(password string, cost int) (string, error)
	// is tells whether the password makes the hash.
	is func(kept, password string) (bool, error)
	// none is a hash that no password makes and that takes as long to check.
	none func(cost int) string
}

// schemes by the names that Options.PasswordHash knows; sha512_crypt is for what
// an older keystone left.
var schemes = map[string]*scheme{
	"bcrypt":        {[]string{"$2a$", "$2b$", "$2y$", long}, makeBcrypt, isBcrypt, noBcrypt},
	"bcrypt_sha256": {[]string{"$bcrypt-sha256$"}, makeBcryptSHA, isBcryptSHA, func(cost int) string { return bcryptSHA(cost, letters(16), letters(23)) }},
	"scrypt":        {[]string{"$scrypt$"}, makeScrypt, isScrypt, func(int) string { return scryptText(bytesOf(16), bytesOf(32)) }},
	"argon2":        {[]string{"$argon2id$", "$argon2i$"}, makeArgon, isArgon, func(int) string { return argonText(bytesOf(16), bytesOf(32)) }},
	"pbkdf2_sha512": {[]string{"$pbkdf2-sha512$"}, makePBKDF2, isPBKDF2, func(int) string { return pbkdf2Text(bytesOf(16), bytesOf(64)) }},
	"sha512_crypt":  {[]string{"$6$"}, nil, isCrypt, nil},
}

// schemeOf is which scheme made a hash, "" if none did.
func schemeOf(kept string) string {
	for name, s := range schemes {
		for _, m := range s.marks {
			if strings.HasPrefix(kept, m) {
				return name
			}
		}
	}
	return ""
}

var errHash = errors.New("a password's hash is damaged, or asks for more than is given")

const (
	maxRounds = 16        // of bcrypt: four seconds
	maxMemory = 256 << 20 // bytes
	maxWork   = 1 << 30   // bytes of memory passed over: about two seconds
	maxTurns  = 2_000_000 // of SHA-512: about two seconds
)

func bytesOf(n int) []byte { b := make([]byte, n); rand.Read(b); return b }

// crypt64 is bcrypt's own base64.
var crypt64 = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

func letters(n int) string { return crypt64.EncodeToString(bytesOf(n)) }

// plain64 is passlib's base64: no padding, and a dot for the plus.
func plain64(b []byte) string {
	return strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(b), "+", ".")
}

func from64(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.ReplaceAll(s, ".", "+"))
}

func equal(a, b []byte) bool { return len(a) > 0 && subtle.ConstantTimeCompare(a, b) == 1 }

// fields cuts "$a$b$c" into its n parts, and the numbers out of "ln=16,r=8".
func fields(kept string, n int) ([]string, error) {
	f := strings.Split(strings.TrimPrefix(kept, "$"), "$")
	if len(f) != n {
		return nil, errHash
	}
	return f, nil
}

func numbers(s string) map[string]int {
	out := map[string]int{}
	for part := range strings.SplitSeq(s, ",") {
		name, text, _ := strings.Cut(part, "=")
		if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= 1<<30 {
			out[name] = n
		}
	}
	return out
}

// long marks the hash of a password longer than bcrypt's 72 bytes: bcrypt is then
// given the password's SHA-256 in base64, so that no byte goes unheard.
const long = "$sha256"

func whole(password string) (text []byte, mark string) {
	if len(password) <= 72 {
		return []byte(password), ""
	}
	sum := sha256.Sum256([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(sum[:])), long
}

func makeBcrypt(password string, cost int) (string, error) {
	text, mark := whole(password)
	out, err := bcrypt.GenerateFromPassword(text, cost)
	return mark + string(out), err
}

// isBcrypt: the Python library, whose hashes begin with $2b$, hears 72 bytes only.
func isBcrypt(kept, password string) (bool, error) {
	text, mark := whole(password)
	against, marked := strings.CutPrefix(kept, long)
	if !marked && !strings.HasPrefix(kept, "$2a$") {
		text, mark = []byte(password[:min(len(password), 72)]), ""
	}
	ok, err := compare(against, text)
	return ok && marked == (mark == long), err
}

func compare(kept string, text []byte) (bool, error) {
	cost, err := bcrypt.Cost([]byte(kept))
	if err != nil || cost > maxRounds {
		return false, errHash
	}
	err = bcrypt.CompareHashAndPassword([]byte(kept), text)
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil, err
}

func noBcrypt(cost int) string { return fmt.Sprintf("$2a$%02d$%s%s", cost, letters(16), letters(23)) }

func bcryptSHA(cost int, salt, digest string) string {
	return fmt.Sprintf("$bcrypt-sha256$v=2,t=2b,r=%d$%s$%s", cost, salt, digest)
}

func macText(salt, password string) []byte {
	m := hmac.New(sha256.New, []byte(salt))
	m.Write([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(m.Sum(nil)))
}

func makeBcryptSHA(password string, cost int) (string, error) {
	s := bytesOf(16)
	text := crypt64.EncodeToString(s)
	digest, err := bcryptDigest(macText(text, password), s, cost)
	return bcryptSHA(cost, text, digest), err
}

// bcryptDigest is bcrypt with a salt of the caller's choice, which the library does
// not offer and the MAC before it needs.
func bcryptDigest(key, salt []byte, cost int) (string, error) {
	key = append(key[:len(key):len(key)], 0)
	c, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		return "", err
	}
	for range 1 << cost {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(salt, c)
	}
	text := []byte("OrpheanBeholderScryDoubt")
	for at := 0; at < len(text); at += 8 {
		for range 64 {
			c.Encrypt(text[at:at+8], text[at:at+8])
		}
	}
	return crypt64.EncodeToString(text[:23]), nil
}

func isBcryptSHA(kept, password string) (bool, error) {
	f, err := fields(kept, 4)
	if err != nil || len(f[2]) != 22 || len(f[3]) != 31 {
		return false, errHash
	}
	n := numbers(f[1])
	text, cost := macText(f[2], password), n["r"]
	if n["v"] != 2 { // "2b,12": the first version hashed without a key
		sum := sha256.Sum256([]byte(password))
		text = []byte(base64.StdEncoding.EncodeToString(sum[:]))
		_, rounds, _ := strings.Cut(f[1], ",")
		if cost, err = strconv.Atoi(rounds); err != nil {
			return false, errHash
		}
	}
	return compare(fmt.Sprintf("$2b$%02d$%s%s", cost, f[2], f[3]), text)
}

// Of scrypt: N is 2^16, 64 MiB, as keystone has it.
const scryptLN, scryptR, scryptP = 16, 8, 1

func scryptText(salt, digest []byte) string {
	return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", scryptLN, scryptR, scryptP, plain64(salt), plain64(digest))
}

func makeScrypt(password string, _ int) (string, error) {
	s := bytesOf(16)
	key, err := scrypt.Key([]byte(password), s, 1<<scryptLN, scryptR, scryptP, 32)
	return scryptText(s, key), err
}

func isScrypt(kept, password string) (bool, error) {
	f, err := fields(kept, 4)
	if err != nil {
		return false, err
	}
	n := numbers(f[1])
	ln, r, p := n["ln"], n["r"], n["p"]
	if ln < 1 || ln > 24 || r < 1 || r > 1<<10 || p < 1 || p > 64 || 128*r<<ln > maxMemory || 128*r*p<<ln > maxWork {
		return false, errHash
	}
	s, err1 := from64(f[2])
	want, err2 := from64(f[3])
	if err := firstOf(err1, err2); err != nil || len(want) < 4 || len(want) > 64 {
		return false, errHash
	}
	got, err := scrypt.Key([]byte(password), s, 1<<ln, r, p, len(want))
	return err == nil && equal(got, want), err
}

// Of argon2id: RFC 9106's second recommendation.
const argonTime, argonKiB, argonThreads = 3, 64 << 10, 4

func argonText(salt, digest []byte) string {
	raw := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", argonKiB, argonTime, argonThreads, raw.EncodeToString(salt), raw.EncodeToString(digest))
}

func makeArgon(password string, _ int) (string, error) {
	s := bytesOf(16)
	return argonText(s, argon2.IDKey([]byte(password), s, argonTime, argonKiB, argonThreads, 32)), nil
}

func isArgon(kept, password string) (bool, error) {
	f, err := fields(kept, 5)
	if err != nil || f[1] != "v=19" {
		return false, errHash
	}
	n := numbers(f[2])
	m, t, p := n["m"], n["t"], n["p"]
	if m < 1 || t < 1 || p < 1 || p > 64 || t > 64 || m<<10 > maxMemory || m<<10*t > maxWork {
		return false, errHash
	}
	s, err1 := base64.RawStdEncoding.DecodeString(f[3])
	want, err2 := base64.RawStdEncoding.DecodeString(f[4])
	if err := firstOf(err1, err2); err != nil || len(want) < 4 || len(want) > 64 {
		return false, errHash
	}
	derive := argon2.IDKey
	if f[0] == "argon2i" {
		derive = argon2.Key
	}
	return equal(derive([]byte(password), s, uint32(t), uint32(m), uint8(p), uint32(len(want))), want), nil
}

// Of PBKDF2: OWASP's figure for SHA-512.
const pbkdf2Turns = 210_000

func pbkdf2Text(salt, digest []byte) string {
	return fmt.Sprintf("$pbkdf2-sha512$%d$%s$%s", pbkdf2Turns, plain64(salt), plain64(digest))
}

func makePBKDF2(password string, _ int) (string, error) {
	s := bytesOf(16)
	key, err := pbkdf2.Key(sha512.New, password, s, pbkdf2Turns, 64)
	return pbkdf2Text(s, key), err
}

func isPBKDF2(kept, password string) (bool, error) {
	f, err := fields(kept, 4)
	if err != nil {
		return false, err
	}
	turns, err0 := strconv.Atoi(f[1])
	s, err1 := from64(f[2])
	want, err2 := from64(f[3])
	if err := firstOf(err0, err1, err2); err != nil || turns < 1 || turns > maxTurns || len(want) != 64 {
		return false, errHash
	}
	got, err := pbkdf2.Key(sha512.New, password, s, turns, 64)
	return err == nil && equal(got, want), err
}
