package cinder

import (
	"context"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"

	"github.com/google/uuid"
)

// messagesLast is how long users may read what went wrong.
const messagesLast = 30 * 24 * time.Hour

// A Message tells a user what went wrong after the request was accepted.
type Message struct {
	ID           string `bun:",pk"`
	ProjectID    string
	RequestID    string
	Level        string
	Event        string
	ResourceType string
	ResourceID   string
	Text         string
	CreatedAt    time.Time
	ExpiresAt    time.Time
}

// NoMessage is the fault of a message that is not there, or not for the caller.
func NoMessage(id string) error {
	return fault.New(fault.NotFound, "Message %s could not be found.", id)
}

// A Trouble is one thing that may go wrong: a code of who did what, and of why.
type Trouble struct{ Code, Text string }

// What may go wrong (user messages of the API reference: EVENT is resource, action, detail).
var (
	NoRoom       = Trouble{"001_002", "schedule allocate volume:Could not find any available weighted backend."}
	CopyFailed   = Trouble{"003_004", "copy volume to image:Volume to image upload failed."}
	CopyFromBad  = Trouble{"005_015", "copy image to volume:An image could not be copied to the volume."}
	ExtendFailed = Trouble{"007_008", "extend volume:Driver failed to extend the volume."}
	CreateFailed = Trouble{"006_001", "create volume:An unknown error occurred."}
	DeleteFailed = Trouble{"008_001", "delete volume:An unknown error occurred."}
	SnapFailed   = Trouble{"010_017", "snapshot create:An error occurred while creating the snapshot."}
	SnapStuck    = Trouble{"011_018", "snapshot delete:An error occurred while deleting the snapshot."}
	BackupFailed = Trouble{"013_020", "backup create:Backup driver failed to create backup."}
	RestoreBad   = Trouble{"015_021", "backup restore:Backup driver failed to restore the backup."}
	MoveFailed   = Trouble{"016_001", "migrate volume:An unknown error occurred."}
)

// Tell leaves a message for a project.
func (s *Storage) Tell(ctx context.Context, project, kind, id string, t Trouble) error {
	now := s.Now()
	return s.InsertMessage(ctx, &Message{ID: uuid.NewString(), ProjectID: project, Level: "ERROR", Event: kind + "_" + kind + "_" + t.Code, ResourceType: kind, ResourceID: id, Text: t.Text, CreatedAt: now, ExpiresAt: now.Add(messagesLast)})
}

// MessagesPage is one page of messages.
func (s *Storage) MessagesPage(ctx context.Context, q VolumeQuery) (listing.Page[*Message], error) {
	rows, err := s.Messages(ctx, q)
	return listing.Cut(rows, q.Limit), err
}

// A ProjectType is the type that a project's volumes have when none is asked for.
type ProjectType struct {
	ProjectID string `bun:",pk"`
	TypeID    string
}

// ChooseType sets a project's default type.
func (s *Storage) ChooseType(ctx context.Context, project, idOrName string) (ProjectType, error) {
	d := ProjectType{ProjectID: project}
	err := s.Tx(ctx, func(ctx context.Context) error {
		t, err := s.Store.Type(ctx, idOrName)
		if err != nil {
			return err
		}
		d.TypeID = t.ID
		return s.SetDefaultType(ctx, d)
	})
	return d, err
}

// ChosenType is a project's own default type.
func (s *Storage) ChosenType(ctx context.Context, project string) (ProjectType, error) {
	id, err := s.DefaultTypeOf(ctx, project)
	if err == nil && id == "" {
		err = fault.New(fault.NotFound, "Default type for project %s not found.", project)
	}
	return ProjectType{project, id}, err
}

// UnchooseType gives a project the default type of all again.
func (s *Storage) UnchooseType(ctx context.Context, project string) error {
	return s.Tx(ctx, func(ctx context.Context) error { return s.UnsetDefaultType(ctx, project) })
}

// ForgetMessage takes a message away.
func (s *Storage) ForgetMessage(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error { return s.DeleteMessageRow(ctx, id) })
}

// ForgetOld takes the messages away whose time is over.
func (s *Storage) ForgetOld(ctx context.Context) error {
	return s.Tx(ctx, s.DropOldMessages)
}
