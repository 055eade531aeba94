// Package ldaptest starts Debian's slapd on loopback, for tests.
package ldaptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// What every server has.
const (
	Suffix   = "dc=example,dc=com"
	Admin    = "cn=admin," + Suffix
	Password = "service secret"
)

// A Server is one slapd.
type Server struct {
	URL, SecureURL string
	CAFile         string // of SecureURL's and StartTLS's certificate, which is for 127.0.0.1

	t   testing.TB
	dir string
	cmd *exec.Cmd
}

// Start is a server with the entries of an LDIF text. It ends with the test.
func Start(t testing.TB, ldif string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	s.CAFile = filepath.Join(s.dir, "ca.pem")
	s.URL, s.SecureURL = "ldap://127.0.0.1:"+port(t), "ldaps://127.0.0.1:"+port(t)
	s.certificate()
	s.write("slapd.conf", fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/pid
TLSCACertificateFile %[1]s/ca.pem
TLSCertificateFile %[1]s/ca.pem
TLSCertificateKeyFile %[1]s/key.pem
sizelimit unlimited
database mdb
suffix %[2]q
rootdn %[3]q
rootpw %[4]q
directory %[1]s/data
access to attrs=userPassword by anonymous auth by * none
access to * by * read
`, s.dir, Suffix, Admin, Password))
	s.write("data.ldif", "dn: "+Suffix+"\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"+ldif)
	if err := os.Mkdir(filepath.Join(s.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/usr/sbin/slapadd", "-f", s.dir+"/slapd.conf", "-l", s.dir+"/data.ldif").CombinedOutput(); err != nil {
		t.Fatalf("slapadd (Debian's package slapd): %v\n%s", err, out)
	}
	s.Run()
	t.Cleanup(s.Stop)
	return s
}

// Run starts the server, again if it was stopped, and waits until it answers.
func (s *Server) Run() {
	s.t.Helper()
	s.cmd = exec.Command("/usr/sbin/slapd", "-f", s.dir+"/slapd.conf", "-h", s.URL+" "+s.SecureURL, "-d", "0")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := ldap.DialURL(s.URL)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			s.Stop()
			s.t.Fatal("slapd does not answer:", err)
		}
	}
}

// Stop ends the server.
func (s *Server) Stop() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

// Set gives an entry's attribute these values; none takes it away.
func (s *Server) Set(dn, attribute string, values ...string) {
	s.t.Helper()
	c, err := ldap.DialURL(s.URL)
	if err == nil {
		defer c.Close()
		err = c.Bind(Admin, Password)
	}
	if err == nil {
		m := ldap.NewModifyRequest(dn, nil)
		m.Replace(attribute, values)
		err = c.Modify(m)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Delete takes an entry away.
func (s *Server) Delete(dn string) {
	s.t.Helper()
	c, err := ldap.DialURL(s.URL)
	if err == nil {
		defer c.Close()
		err = c.Bind(Admin, Password)
	}
	if err == nil {
		err = c.Del(ldap.NewDelRequest(dn, nil))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) certificate() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "slapd"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// port is one that is free now.
func port(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

// People is an LDIF text with users ann (in groups staff and "a, b (c)"), bob, and
// "o'k (*)", below ou=Users, and groups below ou=UserGroups. Their passwords are
// "secret of " and their cn.
const People = `dn: ou=Users,` + Suffix + `
objectClass: organizationalUnit
ou: Users

dn: ou=UserGroups,` + Suffix + `
objectClass: organizationalUnit
ou: UserGroups

dn: cn=ann,ou=Users,` + Suffix + `
objectClass: inetOrgPerson
cn: ann
sn: Ann
mail: ann@example.com
description: the first
userPassword: secret of ann
employeeType: TRUE

dn: cn=bob,ou=Users,` + Suffix + `
objectClass: inetOrgPerson
cn: bob
sn: Bob
userPassword: secret of bob
employeeType: false

dn: cn=o'k (*)\, x,ou=Users,` + Suffix + `
objectClass: inetOrgPerson
cn: o'k (*), x
sn: Odd (*)
userPassword: secret of odd

dn: cn=staff,ou=UserGroups,` + Suffix + `
objectClass: groupOfNames
cn: staff
ou: Staff
description: who works here
member: cn=ann, ou=Users,` + Suffix + `
member: cn=o'k (*)\, x,ou=Users,` + Suffix + `
member: cn=gone,ou=Users,` + Suffix + `

dn: cn=others,ou=UserGroups,` + Suffix + `
objectClass: groupOfNames
cn: others
ou: Others
member: cn=bob,ou=Users,` + Suffix + `
`
