package keystone

import (
	"context"
	"reflect"
	"time"

	"stackd/internal/listing"
)

// A Match is which rows are meant: column → value; a slice of values is any of them.
type Match map[string]any

// A Store keeps identity's rows. Rows are pointers to this package's types.
type Store interface {
	Insert(ctx context.Context, row any) error
	Update(ctx context.Context, row any) error
	// Delete takes away the rows of kind (a nil pointer of its type) that match.
	Delete(ctx context.Context, kind any, m Match) (int, error)
	Count(ctx context.Context, kind any, m Match) (int, error)
	// Select fills a pointer to a slice of rows, in the order of the columns.
	Select(ctx context.Context, rows any, m Match, order ...string) error

	Projects(ctx context.Context, l listing.List) ([]*Project, error)
	Users(ctx context.Context, l listing.List) ([]*User, error)
	Groups(ctx context.Context, l listing.List) ([]*Group, error)
	// Limits also filters by home: limits of a domain and of its projects.
	Limits(ctx context.Context, l listing.List) ([]*Limit, error)
	Roles(ctx context.Context, l listing.List) ([]*Role, error)
	// Trusts are those that were not deleted.
	Trusts(ctx context.Context, l listing.List) ([]*Trust, error)
	// List fills a pointer to a slice of rows of a kind with no search of its own:
	// equality on the columns named like the filters.
	List(ctx context.Context, rows any, l listing.List) error

	// KeepEvent keeps an event. One whose id is there already happened again, as now.
	KeepEvent(ctx context.Context, e *Event) error
	// Events are those from since until right before until; zero is no bound.
	Events(ctx context.Context, l listing.List, since, until time.Time) ([]*Event, error)
	// PurgeEvents forgets so many of those before a time, and tells how many.
	PurgeEvents(ctx context.Context, before time.Time, most int) (int, error)

	// Ancestors are the projects from id itself up to its domain, in that order.
	Ancestors(ctx context.Context, id string) ([]*Project, error)
	// Subtree are the ids of id and of all projects below it.
	Subtree(ctx context.Context, id string) ([]string, error)
	// RolesOf are the roles assigned to a user, by itself or in a group, that count
	// for a target: directly there, or inherited from what is above it.
	// Groups are further ones that the user is taken to be in.
	RolesOf(ctx context.Context, user string, t Target, above []string, groups ...string) ([]string, error)
	// Scopes are the targets of a kind that a user has any role on, inherited
	// assignments resolved.
	Scopes(ctx context.Context, user, kind string, groups ...string) ([]string, error)
	// Assignments are the assignments as they were made.
	Assignments(ctx context.Context, q AssignmentQuery) ([]Assignment, error)

	// Fail counts a wrong proof of a user, from one again if the last was before since.
	// What is counted at once is counted whole.
	Fail(ctx context.Context, user string, now, since time.Time) error

	// Prune forgets used passcodes and signatures that are out of date, tokens of
	// OAuth1 long after their end, and revocations of tokens that have ended by
	// themselves.
	Prune(ctx context.Context, now time.Time) error
	DropProjects(ctx context.Context, ids []string) error
	DropDomain(ctx context.Context, id string) error
	DropUser(ctx context.Context, id string) error
	DropGroup(ctx context.Context, id string) error
	DropRole(ctx context.Context, id string) error
	DropService(ctx context.Context, id string) error
	DropConsumer(ctx context.Context, id string) error
	// DropMirror forgets what was read of a domain's directory, but for its ids.
	DropMirror(ctx context.Context, domain string) error
}

// An Entry is a user or a group as a directory has it.
type Entry struct {
	ID             string // there
	Ref            string // its full name there, such as a DN
	Name           string
	Enabled        bool
	DefaultProject string
	Extra          map[string]any // description, email, and what else is mapped
}

// A Directory keeps a domain's users and groups; it is only read. What is not there
// is nil. A directory that does not answer is an error, and soon.
type Directory interface {
	User(ctx context.Context, id string) (*Entry, error)
	UserNamed(ctx context.Context, name string) (*Entry, error)
	Users(ctx context.Context) ([]Entry, error)
	Group(ctx context.Context, id string) (*Entry, error)
	Groups(ctx context.Context) ([]Entry, error)
	GroupsOf(ctx context.Context, user Entry) ([]Entry, error)
	// Members are the ids of the users in a group.
	Members(ctx context.Context, group string) ([]string, error)
	// Authenticate tells whether the password is the user's.
	Authenticate(ctx context.Context, user, password string) (bool, error)
	Close()
}

// one is the row that matches, nil when there is none.
func one[T any](ctx context.Context, s Store, m Match) (*T, error) {
	rows, err := all[T](ctx, s, m)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

func all[T any](ctx context.Context, s Store, m Match, order ...string) ([]*T, error) {
	var rows []*T
	for _, v := range m {
		if x := reflect.ValueOf(v); x.Kind() == reflect.Slice && x.Len() == 0 {
			return nil, nil
		}
	}
	err := s.Select(ctx, &rows, m, order...)
	return rows, err
}

// named are rows by id, for those who need many at once.
func byID[T any](ctx context.Context, s Store, ids []string, id func(*T) string) (map[string]*T, error) {
	rows, err := all[T](ctx, s, Match{"id": ids})
	out := map[string]*T{}
	for _, r := range rows {
		out[id(r)] = r
	}
	return out, err
}
