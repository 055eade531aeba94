package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// settings are a section ldap.
type settings map[string]any

func (s settings) text(name string) string {
	switch v := s[name].(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

func (s settings) truth(name string) bool {
	switch strings.ToLower(s.text(name)) {
	case "true", "1", "yes", "on":
		return true
	}
	return false
}

// number is a whole number, 0 of what is none.
func (s settings) number(name string) int {
	n, err := strconv.ParseFloat(s.text(name), 64)
	if err != nil {
		return 0
	}
	return int(n)
}

// list is a list, or a text with commas.
func (s settings) list(name string) []string {
	var out []string
	switch v := s[name].(type) {
	case []any:
		for _, x := range v {
			out = append(out, fmt.Sprint(x))
		}
	case string:
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// A tree is where entries of a kind are, and how they are known.
type tree struct {
	base, filter, class     string
	id, name                string
	description, mail       string
	enabled, defaultProject string
	also                    map[string]string // attribute → member of the user
	ignore                  []string
}

func (s settings) userTree() tree {
	t := s.tree("user", "Users")
	t.description, t.mail = s.text("user_description_attribute"), s.text("user_mail_attribute")
	t.enabled, t.defaultProject = s.text("user_enabled_attribute"), s.text("user_default_project_id_attribute")
	return t
}

func (s settings) groupTree() tree {
	t := s.tree("group", "UserGroups")
	t.description = s.text("group_desc_attribute")
	return t
}

func (s settings) tree(kind, unit string) tree {
	t := tree{base: s.text(kind + "_tree_dn"), filter: s.text(kind + "_filter"), class: s.text(kind + "_objectclass"), id: s.text(kind + "_id_attribute"),
		name: s.text(kind + "_name_attribute"), ignore: s.list(kind + "_attribute_ignore"), also: map[string]string{}}
	if t.base == "" {
		t.base = "ou=" + unit + "," + s.text("suffix")
	}
	for _, pair := range s.list(kind + "_additional_attribute_mapping") {
		if from, to, ok := strings.Cut(pair, ":"); ok {
			t.also[strings.TrimSpace(from)] = strings.TrimSpace(to)
		}
	}
	return t
}

func (t tree) attributes() []string {
	var out []string
	for _, a := range []string{t.id, t.name, t.description, t.mail, t.enabled, t.defaultProject} {
		if a != "" {
			out = append(out, a)
		}
	}
	for a := range t.also {
		out = append(out, a)
	}
	return out
}

var scopes = map[string]int{"one": ldap.ScopeSingleLevel, "sub": ldap.ScopeWholeSubtree}

var derefs = map[string]int{"default": ldap.NeverDerefAliases, "never": ldap.NeverDerefAliases, "searching": ldap.DerefInSearching, "finding": ldap.DerefFindingBaseObj, "always": ldap.DerefAlways}

// check looks for what no server could be asked with.
func (s settings) check() error {
	if _, ok := scopes[s.text("query_scope")]; !ok {
		return fmt.Errorf("query_scope is %q, not one or sub", s.text("query_scope"))
	}
	if _, ok := derefs[s.text("alias_dereferencing")]; !ok {
		return fmt.Errorf("alias_dereferencing is %q", s.text("alias_dereferencing"))
	}
	for _, kind := range []string{"user", "group"} {
		if f := s.text(kind + "_filter"); f != "" {
			if _, err := ldap.CompileFilter(f); err != nil {
				return fmt.Errorf("%s_filter: %w", kind, err)
			}
		}
	}
	if len(s.list("url")) == 0 {
		return fmt.Errorf("url is missing")
	}
	return nil
}

// tls are the settings of TLS with a server.
func (s settings) tls(host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	switch how := s.text("tls_req_cert"); how {
	case "demand", "":
	case "never", "allow":
		c.InsecureSkipVerify = true
	default:
		return nil, fmt.Errorf("tls_req_cert is %q, none of demand, allow, never", how)
	}
	files := []string{}
	if f := s.text("tls_cacertfile"); f != "" {
		files = append(files, f)
	} else if dir := s.text("tls_cacertdir"); dir != "" {
		var err error
		if files, err = filepath.Glob(filepath.Join(dir, "*")); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return c, nil
	}
	c.RootCAs = x509.NewCertPool()
	found := false
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil && len(files) == 1 {
			return nil, err
		}
		found = c.RootCAs.AppendCertsFromPEM(b) || found
	}
	if !found {
		return nil, fmt.Errorf("there are no certificates in %s", strings.Join(files, ", "))
	}
	return c, nil
}

// seconds is a setting in seconds, or else what is usual.
func (s settings) seconds(name string, usual time.Duration) time.Duration {
	if n := s.number(name); n > 0 {
		return time.Duration(n) * time.Second
	}
	return usual
}
