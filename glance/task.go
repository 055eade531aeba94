package glance

import (
	"context"
	"encoding/json"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// A Task is the row of something that takes long: an import, say. The rows are the
// queue; whoever claims one works on it until it is done or its claim runs out.
type Task struct {
	ID        string `bun:",pk"`
	Type      string // api_image_import, location_import, import
	Status    string
	Owner     string
	UserID    string
	RequestID string
	ImageID   string
	Input     TaskInput
	Result    map[string]string
	Message   string
	Host      string // that alone can work on it; "" is any
	Claim     string // of the one who works on it
	Tries     int
	DueAt     time.Time
	ExpiresAt time.Time `bun:",nullzero"`
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Statuses of a task.
const (
	Pending    = "pending"
	Processing = "processing"
	Success    = "success"
	Failure    = "failure"
)

// Types of tasks.
const (
	TaskImport   = "api_image_import"
	TaskLocation = "location_import"
	TaskLegacy   = "import"
)

// A TaskInput is what a task was asked for: Shown as the API has it, and what the
// work goes by.
type TaskInput struct {
	Shown  json.RawMessage `json:"shown"`
	Method Method          `json:"method"`
	Stores []string        `json:"stores"`
	Must   bool            `json:"must"`   // in all stores, or in none
	Inject bool            `json:"inject"` // give it the properties of the settings
	URL    string          `json:"url"`    // of a location
	Hash   string          `json:"hash"`   // that it must have; "" is any
	// Properties of the image that an import of the old kind makes.
	Properties map[string]string `json:"properties,omitempty"`
}

// TaskQuery is which tasks to list.
type TaskQuery struct {
	listing.List
	Owner string
	All   bool // an administrator sees every project's
}

// Tasks keeps the rows of tasks.
type Tasks interface {
	InsertTask(ctx context.Context, t *Task) error
	Task(ctx context.Context, id string) (*Task, error)
	TasksListed(ctx context.Context, q TaskQuery) ([]*Task, error)
	TasksOf(ctx context.Context, image string) ([]*Task, error)
	// ClaimTask takes a due, unfinished task until the time; nil when it is not there
	// to be taken.
	ClaimTask(ctx context.Context, id, claim string, until time.Time) (*Task, error)
	// RenewTask keeps a claim; Conflict when it is another's by now.
	RenewTask(ctx context.Context, id, claim string, until time.Time) error
	UpdateTask(ctx context.Context, t *Task) error
	DueTasks(ctx context.Context, host string, now time.Time, limit int) ([]string, error)
	ExpireTasks(ctx context.Context, before time.Time) error
}

// NewTask makes a task of the caller's, to be worked on at once.
func (g *Imaging) NewTask(ctx context.Context, t *Task) error {
	if t.ID == "" {
		t.ID = uuid.NewString()
	}
	t.Status, t.CreatedAt, t.UpdatedAt, t.DueAt = Pending, g.Now(), g.Now(), g.Now()
	if who := token.From(ctx); who != nil {
		t.Owner, t.UserID = who.Project.ID, who.User.ID
	}
	return g.Tx(ctx, func(ctx context.Context) error {
		g.After(ctx, g.wake)
		return g.InsertTask(ctx, t)
	})
}

// TaskSeen is a task that the caller may see.
func (g *Imaging) TaskSeen(ctx context.Context, id string) (*Task, error) {
	t, err := g.Task(ctx, id)
	if err != nil {
		return nil, err
	}
	if who := token.From(ctx); who != nil && !who.Admin() && who.Project.ID != t.Owner {
		return nil, NoTask(id)
	}
	return t, nil
}

// NoTask is the fault of a task that is not there, or not for the caller.
func NoTask(id string) *fault.Error {
	return fault.New(fault.NotFound, "No task found with ID %s", id)
}
