package keystone

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// passlibs are hashes that passlib 1.7.4 made of "correct horse é" (the last of 150 a).
var passlibs = []string{
	"$2b$04$HYrgN4E7uOygUE5hbNRSMeFXVUijt4IsU4vM3/vQaYK2PfMzV7KGi",
	"$bcrypt-sha256$2b,4$EseWBsJvcFyEiS3Ri1XHDu$GQyhMelqRN.RUYQvl.eb4ea70BBj182",
	"$bcrypt-sha256$v=2,t=2b,r=4$kBxWSN/Qyk7MPCsxNQRa9O$Q5JFXUf/ByIoYdgYFAb2HQgb8DHXDPO",
	"$scrypt$ln=4,r=8,p=1$6L23FiJESAlBiBHCGGMsZQ$IDhOic4pF5lXfGhfIqn4OlCswpt88SkxVMBK8kFrkt0",
	"$pbkdf2-sha512$10$AiCk9F4rpbQWgvBea22N8Q$3nrJ/TFwajWKBcDm2Xm0.jiAc9pt0H3S5QjGHFU2FKnXayTX4I30n8GgfJ3qCXTgB0uERsBmqqkK4azZtXs4yg",
	"$argon2id$v=19$m=256,t=2,p=2$2JvTmlOq1XrP+f/fGwMghA$u4d1qDk4d/b6+6yPykICwA",
	"$argon2i$v=19$m=256,t=2,p=2$LIXQWivFGEOIcQ5B6D1HKA$2fbLO92KDCIkLctDNT558A",
	"$6$HDx2mjYXUpT6lrrz$prmadrcNBTPHDvSFPU/N6BIwmPK9FjnvYPXqwU/.8Lyerso8kcPUljlQ7QXEhajjMM37knwgy.s9DS5FMx0oH.",
	"$6$rounds=1234$ZTAHYIrcLxcml4wQ$nbKQohAx7mDFVKAmyBsBqk3tnCbIhDTyeRiPhAiHRYp3DyZAlrf59n.k07lUbATYtqvy6bKAJd8LhwvIQfNml/",
	"$6$rounds=1234$g44f0HKCLov5kViT$ocglbjgG05O5WMwsNkWsBwbq9PRsj3Tve2G4yxhGMqC4lf57y4LnAj0UIJaa9sGUQnlpG2x0ECTA4LBfiq4Bh1",
}

func TestHashesOfAnImportedKeystone(t *testing.T) {
	h := fastHasher(t)
	for n, kept := range passlibs {
		right := "correct horse é"
		if n == len(passlibs)-1 {
			right = strings.Repeat("a", 150)
		}
		if ok, err := h.Matches(t.Context(), kept, right); !ok || err != nil {
			t.Errorf("%s: %v %v", kept, ok, err)
		}
		for _, wrong := range []string{"", right + "x", "x" + right, kept} {
			if ok, err := h.Matches(t.Context(), kept, wrong); ok || err != nil {
				t.Errorf("%s by %q: %v %v", kept, wrong, ok, err)
			}
		}
	}
}

func TestEverySchemeKnowsItsOwn(t *testing.T) {
	for _, name := range []string{"bcrypt", "bcrypt_sha256", "scrypt", "argon2", "pbkdf2_sha512"} {
		h, err := newHasher(name, bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		right := strings.Repeat("lang ", 20)
		a, err := h.Hash(t.Context(), right)
		b, _ := h.Hash(t.Context(), right)
		if err != nil || a == b || schemeOf(a) != name {
			t.Errorf("%s: %s %s %v", name, a, b, err)
		}
		for try, want := range map[string]bool{right: true, right[:72]: false, right + ".": false, "": false} {
			if ok, err := h.Matches(t.Context(), a, try); err != nil || ok != want {
				t.Errorf("%s %s by %q: %v %v", name, a, try, ok, err)
			}
		}
		if ok, err := h.Matches(t.Context(), "", right); ok || err != nil || schemeOf(h.none) != name || len(h.none) != len(a)-strings.Count(a, long)*len(long) {
			t.Errorf("%s: a user without a password: %v %v %s %s", name, ok, err, h.none, a)
		}
	}
	for _, name := range []string{"sha512_crypt", "md5", ""} {
		if _, err := newHasher(name, 4); err == nil {
			t.Errorf("%q can be chosen", name)
		}
	}
}

// Whoever can write a row must not be able to stop the cloud with it.
func TestAPlantedHashIsRefusedAtOnce(t *testing.T) {
	h := fastHasher(t)
	s22, d31, b16, b64 := letters(16), letters(23), plain64(bytesOf(16)), plain64(bytesOf(64))
	for _, kept := range []string{
		"$2b$31$" + s22 + d31, "$2b$17$" + s22 + d31, "$bcrypt-sha256$v=2,t=2b,r=30$" + s22 + "$" + d31, "$bcrypt-sha256$2b,29$" + s22 + "$" + d31,
		"$scrypt$ln=24,r=64,p=1$" + b16 + "$" + b64, "$scrypt$ln=30,r=8,p=1$" + b16 + "$" + b64, "$scrypt$ln=16,r=8,p=64$" + b16 + "$" + b64, "$scrypt$ln=16,r=0,p=1$" + b16 + "$" + b64,
		"$scrypt$ln=1,r=1,p=1$" + b16 + "$", "$argon2id$v=19$m=4194304,t=3,p=4$" + b16 + "$" + b64, "$argon2id$v=19$m=65536,t=99999,p=4$" + b16 + "$" + b64,
		"$argon2id$v=19$m=8,t=1,p=1$" + b16 + "$", "$argon2id$v=16$m=8,t=1,p=1$" + b16 + "$" + b64, "$pbkdf2-sha512$999999999$" + b16 + "$" + b64, "$pbkdf2-sha512$1$" + b16 + "$",
		"$6$rounds=999999999$salt$" + strings.Repeat("x", 86), "$6$$", "$6$", "$6$rounds=5000$salt", "$scrypt$", "$argon2id$$$$", "$unknown$x", "plain",
	} {
		begin := time.Now()
		if ok, err := h.Matches(t.Context(), kept, "x"); ok || err == nil && !strings.HasPrefix(kept, "$6$$") {
			t.Errorf("%s: %v %v", kept, ok, err)
		}
		if took := time.Since(begin); took > 200*time.Millisecond {
			t.Errorf("%s took %v", kept, took)
		}
	}
}
