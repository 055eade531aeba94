package ldap_test

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"stackd/keystone"
	"stackd/keystone/ldap"
	"stackd/keystone/ldap/ldaptest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// with is a directory on the server with these settings besides the usual ones.
func with(t testing.TB, url string, more map[string]any) keystone.Directory {
	t.Helper()
	c := maps.Clone(keystone.ConfigDefaults["ldap"])
	c["url"], c["suffix"], c["user"], c["password"] = url, ldaptest.Suffix, ldaptest.Admin, ldaptest.Password
	maps.Copy(c, more)
	d, err := ldap.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func names(es []keystone.Entry, err error) string {
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, e := range es {
		out = append(out, fmt.Sprintf("%s=%s:%t", e.ID, e.Name, e.Enabled))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestReading(t *testing.T) {
	s := ldaptest.Start(t, ldaptest.People)
	ctx := t.Context()
	for what, more := range map[string]map[string]any{
		"usual": {}, "paged": {"page_size": 1.0}, "below": {"query_scope": "sub", "user_tree_dn": ldaptest.Suffix, "group_tree_dn": ldaptest.Suffix}, "no pool": {"use_pool": "False"},
		"in other letters": {"user_id_attribute": "CN", "group_id_attribute": "Cn", "group_member_attribute": "MEMBER"},
	} {
		d := with(t, s.URL, more)
		if got := names(d.Users(ctx)); got != "ann=Ann:true bob=Bob:true o'k (*), x=Odd (*):true" {
			t.Error(what, got)
		}
		if got := names(d.Groups(ctx)); got != "others=Others:false staff=Staff:false" {
			t.Error(what, got)
		}
		for _, id := range []string{"ann", "o'k (*), x"} {
			u, err := d.User(ctx, id)
			if err != nil || u == nil {
				t.Fatal(what, id, u, err)
			}
			if got := names(d.GroupsOf(ctx, *u)); got != "staff=Staff:false" {
				t.Error(what, id, got)
			}
		}
		ms, err := d.Members(ctx, "staff")
		if slices.Sort(ms); !slices.Equal(ms, []string{"ann", "o'k (*), x"}) || err != nil {
			t.Error(what, ms, err)
		}
	}
	d := with(t, s.URL, map[string]any{"user_additional_attribute_mapping": "sn:surname,mail:id"})
	u, err := d.UserNamed(ctx, "Ann")
	if err != nil || fmt.Sprint(u.Extra) != "map[description:the first email:ann@example.com surname:Ann]" || u.ID != "ann" {
		t.Error(u, err)
	}
	for _, odd := range []string{"*", "a*", "ann)(cn=*", "", "\x00", "nosuch"} {
		u, err1 := d.User(ctx, odd)
		n, err2 := d.UserNamed(ctx, odd)
		g, err3 := d.Group(ctx, odd)
		if u != nil || n != nil || g != nil || err1 != nil || err2 != nil || err3 != nil {
			t.Errorf("%q finds something: %v %v %v %v %v %v", odd, u, n, g, err1, err2, err3)
		}
	}
	if got := names(with(t, s.URL, map[string]any{"user_filter": "(cn=b*)"}).Users(ctx)); got != "bob=Bob:true" {
		t.Error(got)
	}
	if got := names(with(t, s.URL, map[string]any{"user_tree_dn": "ou=nosuch," + ldaptest.Suffix}).Users(ctx)); got != "" {
		t.Error(got)
	}
}

// OSSA-2026-007: what a directory says of being enabled is a truth, however written.
func TestOSSA2026007(t *testing.T) {
	s := ldaptest.Start(t, ldaptest.People)
	const ann, bob = "cn=ann,ou=Users," + ldaptest.Suffix, "cn=bob,ou=Users," + ldaptest.Suffix
	on := map[string]any{"user_enabled_attribute": "employeeType"}
	for _, c := range []struct {
		ann, bob string
		more     map[string]any
		want     string
	}{
		{"TRUE", "FALSE", nil, "true false"},
		{"True", "False", nil, "true false"},
		{"true", "false", nil, "true false"},
		{" true ", "no", nil, "true false"},
		{"", "0", nil, "true false"},
		{"1", "2", nil, "false false"},
		{"", "false", map[string]any{"user_enabled_default": "False"}, "false false"},
		{"true", "false", map[string]any{"user_enabled_invert": true}, "false true"},
		{"FALSE", "False", map[string]any{"user_enabled_invert": "True", "user_enabled_default": "False"}, "true true"},
		{"", "yes", map[string]any{"user_enabled_invert": true, "user_enabled_default": "False"}, "true false"},
		{"512", "514", map[string]any{"user_enabled_mask": 2.0, "user_enabled_default": "512"}, "true false"},
		{"", "true", map[string]any{"user_enabled_mask": "2", "user_enabled_default": 512.0}, "true false"},
		{"false", "false", map[string]any{"user_attribute_ignore": []any{"enabled"}}, "true true"},
		{"false", "true", map[string]any{"user_enabled_emulation": true, "user_enabled_emulation_dn": "cn=staff,ou=UserGroups," + ldaptest.Suffix}, "true false"},
		{"true", "true", map[string]any{"user_enabled_emulation": true}, "false false"}, // there is no such group
		{"false", "true", map[string]any{"user_enabled_emulation": true, "user_enabled_emulation_use_group_config": true, "user_enabled_emulation_dn": "CN=staff, ou=UserGroups," + ldaptest.Suffix}, "true false"},
	} {
		more := maps.Clone(on)
		maps.Copy(more, c.more)
		for dn, v := range map[string]string{ann: c.ann, bob: c.bob} {
			if v == "" {
				s.Set(dn, "employeeType")
			} else {
				s.Set(dn, "employeeType", v)
			}
		}
		d := with(t, s.URL, more)
		a, err1 := d.User(t.Context(), "ann")
		b, err2 := d.User(t.Context(), "bob")
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if got := fmt.Sprint(a.Enabled, b.Enabled); got != c.want {
			t.Errorf("%q, %q, %v: %s, not %s", c.ann, c.bob, c.more, got, c.want)
		}
	}
}

func TestAuthenticate(t *testing.T) {
	s := ldaptest.Start(t, ldaptest.People)
	for _, at := range []struct {
		url  string
		more map[string]any
		ok   bool
	}{
		{s.URL, nil, true},
		{s.URL, map[string]any{"use_tls": true, "tls_cacertfile": s.CAFile}, true},
		{s.SecureURL, map[string]any{"tls_cacertfile": s.CAFile}, true},
		{"ldap://127.0.0.1:1," + s.URL, nil, true},
		{s.SecureURL, map[string]any{"tls_req_cert": "never"}, true},
		{s.SecureURL, nil, false}, // an unknown authority
		{s.URL, map[string]any{"use_tls": true}, false},
		{strings.Replace(s.SecureURL, "127.0.0.1", "localhost", 1), map[string]any{"tls_cacertfile": s.CAFile}, false}, // another's certificate
		{s.SecureURL, map[string]any{"use_tls": true, "tls_cacertfile": s.CAFile}, false},
		{s.URL, map[string]any{"password": "wrong"}, false},
	} {
		d := with(t, at.url, at.more)
		for _, c := range []struct {
			user, password string
			want           bool
		}{{"ann", "secret of ann", true}, {"ann", "secret of bob", false}, {"ann", "", false}, {"ann", "\x00", false}, {"nosuch", "x", false}, {"*", "secret of ann", false}, {"o'k (*), x", "secret of odd", true}} {
			ok, err := d.Authenticate(t.Context(), c.user, c.password)
			if at.ok && (err != nil || ok != c.want) || !at.ok && (ok || c.password != "" && err == nil) {
				t.Errorf("%s %v: %s, %q: %t %v", at.url, at.more, c.user, c.password, ok, err)
			}
		}
	}
}

func TestAServerThatIsGoneIsSeenSoon(t *testing.T) {
	s := ldaptest.Start(t, ldaptest.People)
	d := with(t, s.URL, nil)
	if _, err := d.Users(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if _, err := d.Users(t.Context()); err == nil {
		t.Fatal("nobody answered")
	}
	s.Run()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		_, err := d.Users(t.Context())
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it came back unseen:", err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for url, more := range map[string]map[string]any{"ldaps://": nil, "ldap://": {"use_tls": true}} {
		c := map[string]any{"pool_connection_timeout": 1.0}
		maps.Copy(c, more)
		d := with(t, url+l.Addr().String(), c)
		begin := time.Now()
		_, err1 := d.User(t.Context(), "ann")
		_, err2 := d.User(t.Context(), "ann")
		if took := time.Since(begin); err1 == nil || err2 == nil || took > 2*time.Second {
			t.Error(url, took, err1, err2)
		}
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	for _, more := range []map[string]any{{"url": ""}, {"url": nil}, {"query_scope": "all"}, {"alias_dereferencing": "x"}, {"user_filter": "(cn="}, {"group_filter": "cn=x)"}} {
		c := maps.Clone(keystone.ConfigDefaults["ldap"])
		maps.Copy(c, more)
		if _, err := ldap.Open(c); err == nil {
			t.Error(more)
		}
	}
}
