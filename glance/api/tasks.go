package api

import (
	"encoding/json"
	"strings"
	"time"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"

	"github.com/google/uuid"
)

func (s *service) tasks() []rest.Route {
	return []rest.Route{
		{On: "GET /v2/tasks", Rule: "tasks_api_access", Do: rest.Do(s.listTasks), List: &rest.Listing{Key: "tasks", Prefix: []string{"type", "status"}, Sorts: []string{"id", "type", "status", "created_at", "updated_at", "expires_at"}}},
		{On: "POST /v2/tasks", Rule: "tasks_api_access", Do: rest.Do(s.createTask), Status: 201, Mutates: true},
		{On: "GET /v2/tasks/{task}", Rule: "tasks_api_access", Do: rest.Do(s.showTask)},
		{On: "DELETE /v2/tasks/{task}", Rule: "tasks_api_access", Do: rest.DoNothing(s.dropTask), Mutates: true},
		{On: "GET /v2/images/{id}/tasks", Asks: "get_image, of what was found", Do: rest.Do(s.imageTasks)},
	}
}

type taskStub struct {
	ID      string    `wire:"id"`
	Type    string    `wire:"type"`
	Status  string    `wire:"status"`
	Owner   string    `wire:"owner"`
	Created time.Time `wire:"created_at"`
	Updated time.Time `wire:"updated_at"`
	Self    string    `wire:"self"`
	Schema  string    `wire:"schema"`
}

type taskView struct {
	taskStub
	Expires *time.Time        `wire:"expires_at"`
	Input   json.RawMessage   `wire:"input"`
	Result  map[string]string `wire:"result"`
	Message string            `wire:"message"`
	Image   *string           `wire:"image_id"`
	Request string            `wire:"request_id"`
	User    string            `wire:"user_id"`
}

func stub(t *glance.Task) taskStub {
	return taskStub{t.ID, t.Type, t.Status, t.Owner, t.CreatedAt, t.UpdatedAt, "/v2/tasks/" + t.ID, "/v2/schemas/task"}
}

func viewTask(t *glance.Task) taskView {
	v := taskView{taskStub: stub(t), Input: t.Input.Shown, Result: t.Result, Message: t.Message, Image: known(t.ImageID), Request: t.RequestID, User: t.UserID}
	if !t.ExpiresAt.IsZero() {
		v.Expires = &t.ExpiresAt
	}
	return v
}

func (s *service) listTasks(c *rest.Call, _ struct{}) (listing.Page[taskStub], error) {
	none := listing.Page[taskStub]{}
	if m := c.List.Marker; m != "" && uuid.Validate(m) != nil {
		return none, fault.New(fault.Invalid, "Invalid marker format")
	}
	if st := c.List.First("status"); st != "" && !contains([]string{glance.Pending, glance.Processing, glance.Success, glance.Failure}, st) {
		return none, fault.New(fault.Invalid, "Invalid status value: %s", st)
	}
	if k := c.List.First("type"); k != "" && k != glance.TaskLegacy {
		return none, fault.New(fault.Invalid, "Invalid type value: %s", k)
	}
	if c.URL.Query().Get("limit") == "" {
		c.List.Limit = 25
	}
	rows, err := s.g.TasksListed(c.Context(), glance.TaskQuery{List: c.List, Owner: c.Who.Project.ID, All: c.Who.Admin()})
	return listing.Map(listing.Cut(rows, c.List.Limit), stub), err
}

func (s *service) showTask(c *rest.Call, in struct {
	Task string `path:"task"`
}) (taskView, error) {
	t, err := s.g.TaskSeen(c.Context(), in.Task)
	if err != nil {
		return taskView{}, err
	}
	return viewTask(t), nil
}

// dropTask: tasks go by themselves.
func (s *service) dropTask(c *rest.Call, _ struct{}) error {
	c.W.Header().Set("Allow", "GET")
	return fault.New(fault.MethodNotAllowed, "This operation is currently not permitted on Glance Tasks. They are auto deleted after reaching the time based on their expires_at property.")
}

func (s *service) imageTasks(c *rest.Call, in byID) (map[string][]taskView, error) {
	if _, err := s.seen(c, in.ID); err != nil {
		return nil, err
	}
	rows, err := s.g.TasksOf(c.Context(), in.ID)
	out := []taskView{}
	for _, t := range rows {
		out = append(out, viewTask(t))
	}
	return map[string][]taskView{"tasks": out}, err
}

// createTask takes tasks of type import: they make an image of what is at an address.
func (s *service) createTask(c *rest.Call, _ struct{}) (taskView, error) {
	var in struct {
		Type  *string         `json:"type"`
		Input json.RawMessage `json:"input"`
	}
	if c.Body() == nil || c.Read(&in) != nil {
		return taskView{}, fault.New(fault.Invalid, "Malformed JSON in request body.")
	}
	switch {
	case in.Type == nil:
		return taskView{}, fault.New(fault.Invalid, "Task 'type' is required")
	case in.Input == nil:
		return taskView{}, fault.New(fault.Invalid, "Task 'input' is required")
	case *in.Type != glance.TaskLegacy:
		return taskView{}, fault.New(fault.Invalid, "Provided object does not match schema 'task': %s is not one of ['import', 'api_image_import', 'location_import']", rest.Repr(*in.Type))
	}
	t, from, err := legacy(in.Input)
	if err != nil {
		return taskView{}, err
	}
	t.RequestID = c.ID
	if err := c.Require("add_image", target(&glance.Image{Owner: c.Who.Project.ID})); err != nil {
		return taskView{}, err
	}
	if t.Input.Properties["visibility"] == "public" {
		if err := c.Require("publicize_image", target(&glance.Image{Owner: c.Who.Project.ID})); err != nil {
			return taskView{}, err
		}
	}
	if err := s.g.LegacyImport(c.Context(), t, from); err != nil {
		return taskView{}, err
	}
	c.W.Header().Set("Location", "/v2/tasks/"+t.ID)
	return viewTask(t), nil
}

// legacy reads the input of a task of type import, as far as a made image may have it.
func legacy(raw json.RawMessage) (*glance.Task, string, error) {
	var in struct {
		From       string                     `json:"import_from"`
		Format     string                     `json:"import_from_format"`
		Properties map[string]json.RawMessage `json:"image_properties"`
	}
	if json.Unmarshal(raw, &in) != nil || in.From == "" || in.Format == "" || in.Properties == nil {
		return nil, "", fault.New(fault.Invalid, "Input does not contain 'import_from', 'import_from_format' and 'image_properties'")
	}
	made := &glance.Image{Properties: map[string]string{}}
	t := &glance.Task{Input: glance.TaskInput{Shown: raw, Properties: map[string]string{"disk_format": in.Format}}}
	for name, value := range in.Properties {
		if contains([]string{"owner", "protected", "os_hidden", "tags", "min_disk", "min_ram", "id"}, name) || strings.HasPrefix(name, "os_glance") {
			return nil, "", fault.New(fault.Invalid, "Property '%s' cannot be given to an image that is imported.", name)
		}
		if err := set(made, name, value); err != nil {
			return nil, "", err
		}
		var text string
		if json.Unmarshal(value, &text) == nil {
			t.Input.Properties[name] = text
		}
	}
	if !contains(glance.DiskFormats, t.Input.Properties["disk_format"]) {
		return nil, "", fault.New(fault.Invalid, "Invalid disk format: %s", rest.Repr(t.Input.Properties["disk_format"]))
	}
	return t, in.From, nil
}
