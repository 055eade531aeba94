package planes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"stackd/cloud"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/neutron"
)

const password = "correct horse"

// TestMain is a control plane when it is told an address, and the tests otherwise.
func TestMain(m *testing.M) {
	if at := os.Getenv("PLANE_LISTEN"); at != "" {
		if err := serve(at, os.Getenv("PLANE_DATABASE"), os.Getenv("PLANE_DATA")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func serve(at, database, data string) error {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	c, err := cloud.Open(context.Background(), cloud.Config{Database: database, DataDir: data, AdminPassword: password, Network: neutron.DefaultConfig(),
		Identity: keystone.Options{BcryptCost: 4, MasterKey: []byte("the same for both planes")}, Address: func(port int) string { return fmt.Sprintf("http://cloud:%d", port) }})
	if err != nil {
		return err
	}
	go c.Run(context.Background())
	return http.ListenAndServe(at, c.Handlers["identity"])
}

// A plane is one control plane's process.
type plane struct {
	t        testing.TB
	at       string
	database string
	cmd      *exec.Cmd
}

func start(t testing.TB, database string) *plane {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &plane{t: t, at: l.Addr().String(), database: database}
	l.Close()
	p.up()
	t.Cleanup(p.kill)
	return p
}

func (p *plane) up() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), "PLANE_LISTEN="+p.at, "PLANE_DATABASE="+p.database, "PLANE_DATA="+p.t.TempDir())
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if r, err := http.Get("http://" + p.at + "/v3"); err == nil {
			r.Body.Close()
			return
		}
		if time.Now().After(end) {
			p.t.Fatal("the plane does not answer")
		}
	}
}

// kill ends it as kill -9 does.
func (p *plane) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// do sends a request; err is that the plane did not answer.
func (p *plane) do(method, path, token, subject, body string) (status int, h http.Header, out []byte, err error) {
	r, err := http.NewRequest(method, "http://"+p.at+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Auth-Token", token)
	if subject != "" {
		r.Header.Set("X-Subject-Token", subject)
	}
	a, err := client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer a.Body.Close()
	out, err = io.ReadAll(a.Body)
	return a.StatusCode, a.Header, out, err
}

var client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

func (p *plane) must(want int, method, path, token, body string) (id string, h http.Header) {
	p.t.Helper()
	status, h, out, err := p.do(method, path, token, "", body)
	if err != nil || status != want {
		p.t.Fatalf("%s %s: %d %s %v", method, path, status, out, err)
	}
	return idOf(out), h
}

func idOf(out []byte) string {
	var m map[string]struct{ ID string }
	d := json.NewDecoder(bytes.NewReader(out))
	d.Decode(&m)
	for _, v := range m {
		return v.ID
	}
	return ""
}

func (p *plane) signIn(user, domain string) string {
	p.t.Helper()
	_, h := p.must(201, "POST", "/v3/auth/tokens", "", fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"password":%q,"domain":{"id":%q}}}},"scope":{"project":{"name":%q,"domain":{"id":%q}}}}}`, user, password, domain, user, domain))
	return h.Get("X-Subject-Token")
}

// twoPlanes are two on a new database; nil where there is no PostgreSQL.
func twoPlanes(t *testing.T) (*plane, *plane) {
	where := os.Getenv("STACKD_TEST_PG")
	if where == "" {
		t.Log("STACKD_TEST_PG names no PostgreSQL: nothing was tested")
		return nil, nil
	}
	database := dbtest.Address(t)
	return start(t, database), start(t, database)
}

// user makes a user with a project of the same name, and a role there.
func (p *plane) user(admin, name string) (user, project string) {
	user, _ = p.must(201, "POST", "/v3/users", admin, fmt.Sprintf(`{"user":{"name":%q,"password":%q}}`, name, password))
	project, _ = p.must(201, "POST", "/v3/projects", admin, fmt.Sprintf(`{"project":{"name":%q}}`, name))
	return user, project
}
