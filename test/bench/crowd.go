package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stackd/internal/sqldb"
	"stackd/keystone"
	keystonestore "stackd/keystone/store"
	"stackd/test/cloudtest"

	"golang.org/x/crypto/bcrypt"
)

// A crowd is how many users and projects there are; each user has three roles.
type crowd struct{ users, projects int }

const (
	crowdPassword = "one of many"
	signIns       = 9 // that are measured
)

// crowds measures sign-in and role assignments in a small cloud and in a large one,
// and says how they compare.
func (b *bench) crowds(ctx context.Context) error {
	if b.own == nil || !strings.Contains("crowd", b.only) {
		return nil
	}
	dir, err := os.MkdirTemp("", "bench-crowd-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := cloudtest.New(dir, "--sim", "1")
	if err != nil {
		return err
	}
	var before map[string]time.Duration
	for _, size := range []crowd{{100, 10}, {100_000, 10_000}} {
		took, err := b.inCrowd(ctx, c, size)
		if err != nil {
			return err
		}
		for _, what := range slices.Sorted(mapKeys(took)) {
			fmt.Printf("%-44s %4d %10.1f %9.2f", fmt.Sprintf("%d users, %d projects: %s", size.users, size.projects, what), 1, 1/took[what].Seconds(), took[what].Seconds()*1000)
			if before != nil {
				fmt.Printf("   %.2f of the small cloud's", took[what].Seconds()/before[what].Seconds())
			}
			fmt.Println()
		}
		before = took
	}
	alone := bcryptAlone()
	fmt.Printf("%-44s %4d %10.1f %9.2f   %.0f %% of a first sign-in\n", "bcrypt of 12 rounds alone", 1, 1/alone.Seconds(), alone.Seconds()*1000, 100*alone.Seconds()/before["first sign-in"].Seconds())
	return nil
}

func mapKeys(m map[string]time.Duration) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func bcryptAlone() time.Duration {
	h, _ := bcrypt.GenerateFromPassword([]byte(crowdPassword), 12)
	return median(5, func(int) error { return bcrypt.CompareHashAndPassword(h, []byte(crowdPassword)) })
}

// median is the middle of n times that f takes; a failing f takes for ever.
func median(n int, f func(int) error) time.Duration {
	var all []time.Duration
	for k := range n {
		start := time.Now()
		if err := f(k); err != nil {
			fmt.Println("an error:", err)
			return time.Hour
		}
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	return all[n/2]
}

// inCrowd fills the stopped cloud, starts it, and measures.
func (b *bench) inCrowd(ctx context.Context, c *cloudtest.Cloud, size crowd) (map[string]time.Duration, error) {
	if err := c.Up(); err != nil {
		return nil, err
	}
	if err := c.Down(); err != nil {
		return nil, err
	}
	if err := size.fill(ctx, c.Data); err != nil {
		return nil, err
	}
	if err := c.Up(); err != nil {
		return nil, err
	}
	defer c.Down()
	env, err := c.Login("admin")
	if err != nil {
		return nil, err
	}
	admin, err := cloudtest.SignIn(ctx, env)
	if err != nil {
		return nil, err
	}
	url := strings.TrimSuffix(env["OS_AUTH_URL"], "/")
	get := func(path string) func(int) error {
		return func(k int) error {
			_, err := admin.Send(ctx, "GET", url+fmt.Sprintf(path, k*7%size.users), nil, nil, nil)
			return err
		}
	}
	return map[string]time.Duration{
		"first sign-in": median(signIns, func(k int) error {
			n := k + size.users/2/signIns*signIns
			_, err := cloudtest.SignIn(ctx, map[string]string{"OS_AUTH_URL": url, "OS_USERNAME": userName(n), "OS_PASSWORD": crowdPassword, "OS_PROJECT_NAME": fmt.Sprintf("crowd-%06d", n%size.projects)})
			return err
		}),
		"role assignments of a user":     median(101, get("/role_assignments?user.id="+userID)),
		"effective assignments, by name": median(101, get("/role_assignments?effective&include_names&user.id="+userID)),
		"a user by name":                 median(101, get("/users?domain_id=default&name=crowd-%06d")),
		"projects of a user":             median(101, get("/users/"+userID+"/projects")),
	}, nil
}

const userID = "c0000000000000000000000000%06d"

func userName(n int) string { return fmt.Sprintf("crowd-%06d", n) }

// fill writes the crowd into the cloud's database.
func (s crowd) fill(ctx context.Context, data string) error {
	b, err := os.ReadFile(filepath.Join(data, "cloud.json"))
	if err != nil {
		return err
	}
	var o struct{ Database string }
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	db, err := sqldb.Open(ctx, o.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	store := keystonestore.New(db)
	var roles []*keystone.Role
	if err := store.Select(ctx, &roles, keystone.Match{"name": "member", "domain_id": ""}); err != nil || len(roles) != 1 {
		return fmt.Errorf("the role member: %d, %w", len(roles), err)
	}
	var hashes []string // a password proven once is remembered with its hash: each that signs in has its own
	for range signIns {
		h, err := bcrypt.GenerateFromPassword([]byte(crowdPassword), 12)
		if err != nil {
			return err
		}
		hashes = append(hashes, string(h))
	}
	return db.Tx(ctx, func(ctx context.Context) error {
		for _, kind := range []any{(*keystone.Assignment)(nil), (*keystone.User)(nil), (*keystone.Project)(nil)} {
			if err := s.clear(ctx, store, kind); err != nil {
				return err
			}
		}
		return s.insert(ctx, store, hashes, roles[0].ID)
	})
}

// clear takes a smaller crowd away.
func (s crowd) clear(ctx context.Context, store *keystonestore.Store, kind any) error {
	var ids []string
	for n := range 100 {
		ids = append(ids, fmt.Sprintf(userID, n), projectID(n))
	}
	m := keystone.Match{"id": ids}
	if _, ok := kind.(*keystone.Assignment); ok {
		m = keystone.Match{"actor_id": ids}
	}
	_, err := store.Delete(ctx, kind, m)
	return err
}

func projectID(n int) string { return fmt.Sprintf("d0000000000000000000000000%06d", n) }

func (s crowd) insert(ctx context.Context, store *keystonestore.Store, hashes []string, role string) error {
	var projects []*keystone.Project
	for n := range s.projects {
		projects = append(projects, &keystone.Project{ID: projectID(n), Name: fmt.Sprintf("crowd-%06d", n), DomainID: "default", ParentID: "default", Enabled: true, Options: map[string]any{}})
	}
	var users []*keystone.User
	var grants []keystone.Assignment
	for n := range s.users {
		id := fmt.Sprintf(userID, n)
		users = append(users, &keystone.User{ID: id, Name: userName(n), DomainID: "default", Enabled: true, Options: map[string]any{}, PasswordHash: hashes[n%signIns], CreatedAt: time.Now()})
		for k := range 3 {
			grants = append(grants, keystone.NewAssignment(keystone.Actor{Kind: "user", ID: id}, keystone.Target{Kind: "project", ID: projectID((n + k) % s.projects)}, role, false))
		}
	}
	for part := range slices.Chunk(projects, 500) {
		if err := store.Insert(ctx, &part); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(users, 500) {
		if err := store.Insert(ctx, &part); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(grants, 1000) {
		if err := store.Insert(ctx, &part); err != nil {
			return err
		}
	}
	return nil
}
