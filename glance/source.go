package glance

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/inspect"

	"github.com/google/uuid"
)

// fetchIn has the bytes of an import in the staging area: they were staged, or they
// are fetched.
func (g *Imaging) fetchIn(ctx context.Context, j *job) error {
	m := j.t.Input.Method
	if m.Name == "glance-download" {
		return g.fetchRemote(ctx, j, m)
	}
	if g.isStaged(j.i.ID) {
		return nil
	}
	if m.Name != "web-download" {
		return fault.New(fault.Invalid, "The staged data of image %s is not there any more.", j.i.ID)
	}
	body, size, err := g.fetch.Fetch(ctx, m.URI)
	if err != nil {
		return fault.New(fault.Invalid, "The image cannot be downloaded from its address.").Because(err)
	}
	return g.stageFetched(ctx, j, body, size)
}

func (g *Imaging) isStaged(name string) bool {
	_, err := os.Stat(g.staging.Path(name))
	return err == nil
}

func (g *Imaging) stageFetched(ctx context.Context, j *job, body io.ReadCloser, size int64) error {
	defer body.Close()
	room, err := g.room(ctx, j.i.Owner, StageTotal, size)
	if err != nil {
		return err
	}
	return g.bring(ctx, j.i, StagingStore, j.i.ID, load{body, size, blind(room)})
}

// fetchRemote fetches an image of another region's image service, and what is to be
// kept of its properties.
func (g *Imaging) fetchRemote(ctx context.Context, j *job, m Method) error {
	token, ok := g.tokens.Load(j.t.ID)
	if !ok {
		return fault.New(fault.Invalid, "The token of the one who asked for the download is not there any more.")
	}
	at, err := g.regions.ImageEndpoint(ctx, m.Region, m.Interface)
	if err != nil {
		return fault.New(fault.Invalid, "There is no image service in region %s with interface %s.", m.Region, m.Interface).Because(err)
	}
	at = strings.TrimSuffix(at, "/") + "/v2/images/" + m.ImageID
	if err := g.remoteFacts(ctx, j, at, token.(string)); err != nil {
		return err
	}
	if g.isStaged(j.i.ID) {
		return nil
	}
	body, size, err := g.fetch.FetchInside(ctx, at+"/file", token.(string))
	if err != nil {
		return fault.New(fault.Invalid, "The image cannot be downloaded from the remote image service.").Because(err)
	}
	return g.stageFetched(ctx, j, body, size)
}

func (g *Imaging) remoteFacts(ctx context.Context, j *job, at, token string) error {
	body, _, err := g.fetch.FetchInside(ctx, at, token)
	if err != nil {
		return fault.New(fault.Invalid, "The image cannot be seen at the remote image service.").Because(err)
	}
	defer body.Close()
	var facts map[string]any
	if err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&facts); err != nil {
		return fault.New(fault.Invalid, "The remote image service gives no sensible answer.").Because(err)
	}
	text := func(name string) string { s, _ := facts[name].(string); return s }
	if text("status") != Active {
		return fault.New(fault.Invalid, "The remote image is not active.")
	}
	j.format, j.container = text("disk_format"), text("container_format")
	for name := range facts {
		for _, prefix := range g.opts.CopyProperties {
			if v, ok := facts[name].(string); ok && strings.HasPrefix(name, prefix) {
				j.props[name] = v
			}
		}
	}
	return nil
}

// source is the bytes that go into stores.
func (g *Imaging) source(ctx context.Context, j *job) (io.ReadCloser, int64, error) {
	if j.t.Input.Method.Name == "copy-image" {
		return g.open(ctx, &Image{ID: j.i.ID, Locations: g.own(j)})
	}
	body, size, err := g.staging.Open(ctx, j.name)
	if errors.Is(err, fs.ErrNotExist) {
		err = fault.New(fault.Invalid, "The staged data of image %s is not there any more.", j.i.ID)
	}
	return body, size, err
}

// own are the locations that the image had before the job.
func (g *Imaging) own(j *job) []Location {
	before := &Image{}
	for _, l := range j.i.Locations {
		if !contains(j.t.Input.Stores, l.Store) {
			before.Locations = append(before.Locations, l)
		}
	}
	return before.Locations
}

func contains(l []string, s string) bool {
	for _, x := range l {
		if x == s {
			return true
		}
	}
	return false
}

// shape has the plugins change what was staged.
func (g *Imaging) shape(ctx context.Context, j *job) error {
	if j.t.Input.Inject && g.opts.does("inject_image_metadata") {
		maps.Copy(j.props, g.opts.Inject)
	}
	if g.opts.does("image_decompression") {
		if err := g.unpack(ctx, j); err != nil {
			return err
		}
	}
	if g.opts.does("image_conversion") && j.i.ContainerFormat == "bare" && j.format != g.opts.ConvertTo && j.format != "iso" {
		return g.convert(ctx, j)
	}
	return nil
}

func (g *Imaging) unpack(ctx context.Context, j *job) error {
	to := j.i.ID + ".unpacked"
	if !g.isStaged(to) {
		if err := g.book(ctx, j.i, StagingStore, to); err != nil {
			return err
		}
		packed, err := g.shaper.Unpack(ctx, g.staging.Path(j.name), g.staging.Path(to), g.opts.UnpackCap)
		if err != nil || !packed {
			return full(err)
		}
	}
	j.name = to
	if j.i.ContainerFormat == "compressed" {
		j.container = "bare"
	}
	return nil
}

// convert looks at the image before any tool may.
func (g *Imaging) convert(ctx context.Context, j *job) error {
	to := j.i.ID + ".converted"
	if !g.isStaged(to) {
		if err := g.judgeStaged(ctx, j); err != nil {
			return err
		}
		if err := g.book(ctx, j.i, StagingStore, to); err != nil {
			return err
		}
		if err := g.shaper.Convert(ctx, g.staging.Path(j.name), j.format, g.staging.Path(to), g.opts.ConvertTo); err != nil {
			return full(err)
		}
	}
	j.name, j.format = to, g.opts.ConvertTo
	return nil
}

// judgeStaged inspects the staged bytes as the stores would.
func (g *Imaging) judgeStaged(ctx context.Context, j *job) error {
	body, size, err := g.staging.Open(ctx, j.name)
	if err != nil {
		return err
	}
	defer body.Close()
	file, ok := body.(io.ReaderAt)
	if !ok {
		return errors.New("what is staged is no file")
	}
	found, err := inspect.File(file, size, j.format)
	if err != nil {
		return full(err)
	}
	if found.VirtualSize > g.opts.UnpackCap {
		return fault.New(fault.Unsupported, "The image was refused: its disk would have %d bytes", found.VirtualSize)
	}
	twice := double{format: j.format}
	head := make([]byte, min(size, isoAt+8))
	if _, err := file.ReadAt(head, 0); err != nil {
		return err
	}
	return full(twice.look(head))
}

// makeImage makes the image of an import of the old kind, as the task's own.
func (g *Imaging) makeImage(ctx context.Context, t *Task) error {
	i := &Image{ID: uuid.NewString(), Owner: t.Owner, Status: Importing, Visibility: "shared", DiskFormat: "raw", ContainerFormat: "bare", Tags: []string{}, Properties: map[string]string{}, CreatedAt: g.Now(), UpdatedAt: g.Now()}
	g.beginImport(i, t)
	for k, v := range t.Input.Properties {
		switch v := v; k {
		case "name":
			i.Name = &v
		case "disk_format":
			i.DiskFormat = v
		case "container_format":
			i.ContainerFormat = v
		case "visibility":
			i.Visibility = v
		default:
			i.Properties[k] = v
		}
	}
	return g.Tx(ctx, func(ctx context.Context) error {
		t.ImageID = i.ID
		if err := g.Insert(ctx, i); err != nil {
			return err
		}
		return g.UpdateTask(ctx, t)
	})
}
