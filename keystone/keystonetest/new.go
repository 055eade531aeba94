package keystonetest

import (
	"context"
	"testing"

	"stackd/internal/sqldb"
	"stackd/keystone"
	"stackd/keystone/store"
)

// Password is the password of every user made here.
const Password = "correct horse"

// Endpoints are the addresses that New's catalog holds.
var Endpoints = map[string]string{
	"identity": "http://cloud/identity/v3", "image": "http://cloud/image", "placement": "http://cloud/placement",
	"compute": "http://cloud/compute/v2.1", "network": "http://cloud/network", "volumev3": "http://cloud/volume/v3/$(project_id)s",
	"object-store": "http://cloud/object-store/v1/AUTH_$(project_id)s",
}

// A Cloud is an identity service that a test may do anything with.
type Cloud struct {
	*keystone.Identity
	t testing.TB
}

// New is a bootstrapped identity service on the test's database.
func New(t testing.TB, db *sqldb.DB) *Cloud {
	t.Helper()
	return With(t, db, keystone.Options{})
}

// With is New with these options.
func With(t testing.TB, db *sqldb.DB, o keystone.Options) *Cloud {
	t.Helper()
	o.BcryptCost, o.MasterKey = 4, []byte("for tests only")
	ctx := context.Background()
	if err := store.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	i, err := keystone.New(db, store.New(db), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Bootstrap(ctx, keystone.BootstrapSpec{AdminPassword: Password, Endpoints: Endpoints}); err != nil {
		t.Fatal(err)
	}
	return &Cloud{i, t}
}

// Project is the id of the project by this name, made when it is not there.
func (c *Cloud) Project(name string) string {
	c.t.Helper()
	return c.must(c.EnsureProject(context.Background(), name))
}

// Token is a fresh token of a user with roles on a project, all by name and made
// when not there. A token's scope "" is unscoped.
func (c *Cloud) Token(user, project string, roles ...string) string {
	c.t.Helper()
	ctx := context.Background()
	id := c.must(c.EnsureUser(ctx, user, Password))
	wish := keystone.ScopeWish{Unscoped: project == ""}
	if project != "" {
		p := c.Project(project)
		wish.Project = &keystone.Named{ID: p}
		for _, r := range roles {
			if err := c.EnsureRole(ctx, id, keystone.Target{Kind: "project", ID: p}, r); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	return c.SignIn(user, wish)
}

// SignIn is a fresh token of a user of the default domain, by Password.
func (c *Cloud) SignIn(user string, wish keystone.ScopeWish) string {
	c.t.Helper()
	_, t, err := c.Identity.SignIn(context.Background(), keystone.Proof{Methods: []string{"password"}, Password: Password,
		User: keystone.Named{Name: user, DomainID: keystone.DefaultDomain}}, wish)
	return c.must(t, err)
}

// Admin is a fresh token of the cloud's admin on its project.
func (c *Cloud) Admin() string {
	c.t.Helper()
	return c.SignIn("admin", keystone.ScopeWish{Project: &keystone.Named{Name: "admin", DomainID: keystone.DefaultDomain}})
}

func (c *Cloud) must(s string, err error) string {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}
