package nova

import (
	"context"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"stackd/internal/fault"

	"golang.org/x/crypto/ssh"
)

// ImportKeypair keeps a public key under a name of the user's.
func (c *Compute) ImportKeypair(ctx context.Context, user, name, kind, public string) (*Keypair, error) {
	k := &Keypair{UserID: user, Name: name, Type: kind, PublicKey: strings.TrimSpace(public), CreatedAt: c.Now()}
	var err error
	if kind == "x509" {
		k.PublicKey = public
		k.Fingerprint, err = x509Print(public)
	} else {
		k.Fingerprint, err = sshPrint(k.PublicKey)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "Keypair data is invalid: failed to generate fingerprint").Because(err)
	}
	err = c.Tx(ctx, func(ctx context.Context) error {
		have, err := c.Keypairs(ctx, user, listAll)
		if err != nil {
			return err
		}
		if most := QuotaDefaults["key_pairs"]; len(have) >= most {
			return fault.New(fault.OverQuota, "Quota exceeded, too many key pairs.")
		}
		return c.InsertKeypair(ctx, k)
	})
	return k, err
}

func sshPrint(line string) (string, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return "", err
	}
	return colons(md5.Sum(key.Marshal())), nil
}

func x509Print(text string) (string, error) {
	b, _ := pem.Decode([]byte(text))
	if b == nil {
		return "", fmt.Errorf("no PEM block")
	}
	if _, err := x509.ParseCertificate(b.Bytes); err != nil {
		return "", err
	}
	return colons(md5.Sum(b.Bytes)), nil
}

// colons is the old form of an SSH fingerprint, which nova shows.
func colons(sum [16]byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02x", b)
	}
	return strings.Join(parts, ":")
}

// MakeKeypair makes a new key; the private half is returned and kept nowhere.
func (c *Compute) MakeKeypair(ctx context.Context, user, name string) (k *Keypair, private string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, "", err
	}
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return nil, "", err
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " Generated-by-Nova"
	private = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	k, err = c.ImportKeypair(ctx, user, name, "ssh", line)
	return k, private, err
}

// Ed25519Line makes a key pair for stackd's own demo: an authorized_keys line and
// the private half as OpenSSH keeps it.
func Ed25519Line(comment string) (public string, private []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", nil, err
	}
	p, err := ssh.NewPublicKey(pub)
	if err != nil {
		return "", nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, comment)
	if err != nil {
		return "", nil, err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p))) + " " + comment, pem.EncodeToMemory(block), nil
}
