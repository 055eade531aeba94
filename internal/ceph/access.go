package ceph

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
)

// Monitors are the monitors' addresses, host:port, for clients that have no
// configuration of their own.
func (c Cluster) Monitors(ctx context.Context) ([]string, error) {
	var dump struct {
		Mons []struct {
			Public struct {
				Addresses []struct{ Type, Addr string } `json:"addrvec"`
			} `json:"public_addrs"`
		}
	}
	if err := c.JSON(ctx, &dump, "ceph", "mon", "dump"); err != nil {
		return nil, err
	}
	var all []string
	for _, m := range dump.Mons {
		first := ""
		for _, a := range m.Public.Addresses { // v1 is understood by every client
			if first == "" || a.Type == "v1" {
				first = a.Addr
			}
		}
		if first != "" {
			all = append(all, first)
		}
	}
	return all, nil
}

// Key is the user's secret, base64, out of the keyring. It is for who opens images on
// other hosts, and for nobody to print.
func (c Cluster) Key(ctx context.Context) (string, error) {
	files := []string{c.Keyring}
	if c.Keyring == "" {
		out, err := Cluster{Conf: c.Conf}.Run(ctx, nil, "ceph-conf", "--name", c.name(), "--show-config-value", "keyring")
		if err != nil {
			return "", err
		}
		files = strings.Split(strings.TrimSpace(string(out)), ",")
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			if key := keyIn(text, c.name()); key != "" {
				return key, nil
			}
		}
	}
	return "", fmt.Errorf("no keyring of %q holds a key of %s", files, c.name())
}

func (c Cluster) name() string { return "client." + cmp.Or(c.User, "admin") }

// keyIn finds a user's key in a keyring: [client.x] sections of name = value.
func keyIn(text []byte, name string) string {
	section := ""
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		if k, v, ok := strings.Cut(line, "="); ok && section == name && strings.TrimSpace(k) == "key" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
