package glance

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// Properties that say how far an import is; the last is shown to nobody.
const (
	importingTo  = "os_glance_importing_to_stores"
	failedImport = "os_glance_failed_import"
	stageHost    = "os_glance_stage_host"
)

// A Method is a way in, with what it needs.
type Method struct {
	Name      string `json:"name"`
	URI       string `json:"uri,omitempty"`
	Region    string `json:"glance_region,omitempty"`
	ImageID   string `json:"glance_image_id,omitempty"`
	Interface string `json:"glance_service_interface,omitempty"`
}

// An ImportRequest is what to import, from where, into which stores.
type ImportRequest struct {
	Method    Method
	Stores    []string
	All       bool // stores
	Must      bool // succeed in all of them
	Shown     json.RawMessage
	RequestID string
	Token     string // of the caller
	May       func(rule string, i *Image) error
}

// Stage takes bytes to be imported later; they are not looked at yet.
func (g *Imaging) Stage(ctx context.Context, id string, body io.Reader, size int64, may func(*Image) error) error {
	i, room, err := g.begin(ctx, id, Uploading, StageTotal, size, may)
	if err != nil {
		return err
	}
	if err = g.stage(ctx, i, body, size, room); err != nil {
		err = g.failed(context.WithoutCancel(ctx), i, err)
	}
	return err
}

func (g *Imaging) stage(ctx context.Context, i *Image, body io.Reader, size, room int64) error {
	s := blind(room)
	if err := g.bring(ctx, i, StagingStore, i.ID, load{body, size, s}); err != nil {
		return err
	}
	return g.end(ctx, i, func(ctx context.Context, now *Image) error {
		now.Size = &s.n
		if now.Properties == nil {
			now.Properties = map[string]string{}
		}
		if g.opts.Host != "" {
			now.Properties[stageHost] = g.opts.Host
		}
		return g.Postpone(ctx, &Bytes{ImageID: i.ID, Move: i.Upload}, never)
	})
}

// Import begins an import; a task goes on with it, also after a crash. It ends with
// the image active or, with bytes that are refused or cannot be had, queued.
func (g *Imaging) Import(ctx context.Context, id string, r ImportRequest) error {
	task := ""
	_, err := g.Change(ctx, id, func(ctx context.Context, i *Image) error {
		if err := g.importable(i, &r); err != nil {
			return err
		}
		stores, err := g.target(i, r)
		if err != nil || len(stores) == 0 {
			return err
		}
		if r.Method.Name == "web-download" && g.fetch.Allowed(r.Method.URI) != nil {
			return fault.New(fault.Invalid, "URI for web-download does not pass filtering: %s", r.Method.URI).Because(g.fetch.Allowed(r.Method.URI))
		}
		if err := g.enforce(ctx, i.Owner, SizeTotal, 0); err != nil {
			return err
		}
		t := g.importTask(ctx, i, r, stores)
		task = t.ID
		g.beginImport(i, t)
		g.tokens.Store(t.ID, r.Token)
		return g.NewTask(ctx, t)
	})
	if err != nil {
		g.tokens.Delete(task)
	}
	return err
}

func (g *Imaging) importTask(ctx context.Context, i *Image, r ImportRequest, stores []string) *Task {
	t := &Task{ID: uuid.NewString(), Type: TaskImport, ImageID: i.ID, RequestID: r.RequestID, Input: TaskInput{Method: r.Method, Stores: stores, Must: r.Must, Inject: true, Shown: shown(i.ID, r.Shown, stores)}}
	if r.Method.Name == "glance-direct" {
		t.Host = i.Properties[stageHost]
	}
	if who := token.From(ctx); who != nil {
		t.Input.Inject = !slices.ContainsFunc(g.opts.InjectNotRoles, who.Has)
	}
	return t
}

// shown is a task's input as the API has it.
func shown(image string, asked json.RawMessage, stores []string) json.RawMessage {
	b, err := json.Marshal(map[string]any{"image_id": image, "import_req": asked, "backend": stores})
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

// beginImport makes a task an image's only move.
func (g *Imaging) beginImport(i *Image, t *Task) {
	if i.Properties == nil {
		i.Properties = map[string]string{}
	}
	i.Properties[importingTo], i.Properties[failedImport] = strings.Join(t.Input.Stores, ","), ""
	i.Upload, i.TouchedAt = t.ID, g.Now()
	if i.Status != Active {
		i.Status = Importing
	}
}

// importable tells whether an image may be imported by a method as it is now.
func (g *Imaging) importable(i *Image, r *ImportRequest) error {
	m, rule := r.Method.Name, "modify_image"
	if m == "copy-image" {
		rule = "copy_image"
	}
	if err := r.May(rule, i); err != nil {
		return err
	}
	switch {
	case i.Upload != "":
		return fault.New(fault.Conflict, "Image has active task")
	case i.Status == Active && m != "copy-image":
		return fault.New(fault.Conflict, "Image with status active cannot be target for import")
	case i.Status != Active && m == "copy-image":
		return fault.New(fault.Conflict, "Only images with status active can be targeted for copying")
	case i.Status != Queued && (m == "web-download" || m == "glance-download"):
		return fault.New(fault.Conflict, "Image needs to be in 'queued' state to use '%s' method", m)
	case i.Status != Uploading && m == "glance-direct":
		return fault.New(fault.Conflict, "Image needs to be staged before 'glance-direct' method can be used")
	case i.ContainerFormat == "":
		return fault.New(fault.Conflict, "'container_format' needs to be set before import")
	case i.DiskFormat == "":
		return fault.New(fault.Conflict, "'disk_format' needs to be set before import")
	}
	if m == "glance-download" {
		return r.Method.remote()
	}
	return nil
}

// remote checks what a download from another region needs.
func (m *Method) remote() error {
	switch {
	case m.Region == "":
		return fault.New(fault.Invalid, "'glance_region' needs to be set for glance-download import method")
	case m.ImageID == "":
		return fault.New(fault.Invalid, "'glance_image_id' needs to be set for glance-download import method")
	case uuid.Validate(m.ImageID) != nil:
		return fault.New(fault.Invalid, "Remote image id does not look like a UUID: %s", m.ImageID)
	case m.Interface == "":
		m.Interface = "public"
	}
	return nil
}

// target is the stores that an import goes to; none is nothing to do.
func (g *Imaging) target(i *Image, r ImportRequest) ([]string, error) {
	stores := r.Stores
	if r.All {
		stores = nil
		for _, p := range g.places {
			if !p.ReadOnly() {
				stores = append(stores, p.ID)
			}
		}
	}
	if len(stores) == 0 {
		stores = []string{g.opts.DefaultStore}
	}
	var out []string
	for _, s := range stores {
		if _, err := g.Writable(s, fault.Conflict); err != nil {
			return nil, err
		}
		if i.In(s) >= 0 && r.Method.Name == "copy-image" {
			if !r.All {
				return nil, fault.New(fault.Invalid, "Image is already present at store '%s'", s)
			}
			continue
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, nil
}

// LegacyImport begins an import of the old kind: a task that makes the image, too.
func (g *Imaging) LegacyImport(ctx context.Context, t *Task, from string) error {
	if err := g.fetch.Allowed(from); err != nil {
		return fault.New(fault.Invalid, "File based imports are not allowed. Please use a non-local source of image data.").Because(err)
	}
	if err := g.enforce(ctx, token.From(ctx).Project.ID, SizeTotal, 0); err != nil {
		return err
	}
	t.Type, t.Input.Method, t.Input.Stores, t.Input.Must = TaskLegacy, Method{Name: "web-download", URI: from}, []string{g.opts.DefaultStore}, true
	return g.NewTask(ctx, t)
}

// expire is when a finished task goes.
func (g *Imaging) expire() time.Time { return g.Now().Add(g.opts.TaskKeep) }
