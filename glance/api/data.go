package api

import (
	"mime"
	"net/http"
	"time"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (s *service) data() []rest.Route {
	return []rest.Route{
		{On: "PUT /v2/images/{id}/file", Asks: "upload_image, of what was found", Do: rest.Do(s.upload), Stream: true, Status: 204, Mutates: true},
		{On: "GET /v2/images/{id}/file", Asks: "download_image, of what was found", Do: rest.Do(s.download)},
	}
}

// octets: bytes come as application/octet-stream, and not otherwise.
func octets(c *rest.Call) error {
	kind, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if kind != "application/octet-stream" {
		return fault.New(fault.Unsupported, "The request media type %s is not supported by this server.", kind).Named("media")
	}
	return nil
}

func (s *service) upload(c *rest.Call, in byID) (any, error) {
	if err := octets(c); err != nil {
		return nil, err
	}
	return nil, s.g.UploadTo(c.Context(), in.ID, c.Header.Get("X-Image-Meta-Store"), c.Request.Body, c.ContentLength, may(c, "upload_image"))
}

// download answers ranges too (RFC 9110, section 14), straight from the file.
func (s *service) download(c *rest.Call, in byID) (any, error) {
	i, err := s.seen(c, in.ID)
	if err != nil {
		return nil, err
	}
	if err := c.Require("download_image", target(i)); err != nil {
		return nil, err
	}
	switch {
	case i.Status == glance.Deactivated && !c.Who.Admin():
		return nil, fault.New(fault.Forbidden, "The requested image has been deactivated. Image data download is forbidden.")
	case i.Status != glance.Active && i.Status != glance.Deactivated:
		return rest.Written{Status: 204}, noContent(c)
	}
	body, _, err := s.g.Open(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	h := c.W.Header()
	h.Set("Content-Type", "application/octet-stream")
	if i.Checksum != "" {
		h.Set("Content-Md5", i.Checksum)
	}
	http.ServeContent(c.W, c.Request, "", time.Time{}, body)
	return rest.Written{Status: 200}, nil
}

func noContent(c *rest.Call) error {
	c.W.WriteHeader(http.StatusNoContent)
	return nil
}
