package api

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/nova"
)

// changed is the answer to a change of a server.
func (s *service) changed(c *rest.Call, r *nova.Server) (any, error) {
	all, err := s.views(c, []*nova.Server{r})
	if err != nil {
		return nil, err
	}
	if v := all[0]; c.From(2, 75) {
		return v, nil
	}
	return shorter(all[0]), nil
}

// shorter is what a change answers before 2.75: addresses are without their kinds.
func shorter(v serverView) changedView {
	for name, as := range v.Addresses {
		for n := range as {
			v.Addresses[name][n].Type, v.Addresses[name][n].MAC = "", ""
		}
	}
	return v.changedView
}

// rebuiltView is the answer to a rebuild.
type rebuiltView struct {
	*changedView
	*serverView
	Key      *string `wire:"key_name,2.54..2.74"` // the whole view has it
	UserData *string `wire:"user_data,2.57.."`
	Pass     string  `wire:"adminPass"`
}

type rebuildIn struct {
	byID
	R struct {
		ImageRef                     string
		Name, AccessIPv4, AccessIPv6 *string
		AdminPass                    *string
		Hostname                     *string           `json:"hostname"`
		Disk                         *string           `json:"OS-DCF:diskConfig"`
		Metadata                     map[string]string `json:"metadata"`
		Keep                         any               `json:"preserve_ephemeral"`
		Personality                  []any             `json:"personality"`
		Certs                        []any             `json:"trusted_image_certificates"`
		Description                  json.RawMessage   `json:"description"`
		KeyName                      json.RawMessage   `json:"key_name"`
		UserData                     json.RawMessage   `json:"user_data"`
	} `json:"rebuild"`
}

func (s *service) rebuild(c *rest.Call, in rebuildIn) (map[string]rebuiltView, error) {
	s.ctx(c)
	spec, err := rebuildSpec(c, in)
	if err != nil {
		return nil, err
	}
	r, err := s.c.Rebuild(c.Context(), in.ID, spec)
	if err != nil {
		return nil, err
	}
	all, err := s.views(c, []*nova.Server{r})
	if err != nil {
		return nil, err
	}
	v := rebuiltView{Key: orNull(r.KeyName), UserData: orNull(r.UserData), Pass: password()}
	if in.R.AdminPass != nil {
		v.Pass = *in.R.AdminPass
	}
	if v.serverView = &all[0]; !c.From(2, 75) {
		short := shorter(all[0])
		v.changedView, v.serverView = &short, nil
	}
	c.W.Header().Set("Location", links(c, "servers", r.ID)[0].Href)
	return map[string]rebuiltView{"server": v}, nil
}

func rebuildSpec(c *rest.Call, in rebuildIn) (out nova.RebuildSpec, err error) {
	v := in.R
	switch {
	case len(v.Personality) > 0:
		return out, noInjection()
	case len(v.Certs) > 0:
		return out, noCertificates()
	}
	out = nova.RebuildSpec{ImageID: v.ImageRef, Metadata: v.Metadata, Reimage: c.From(2, 93),
		ServerUpdate: nova.ServerUpdate{Name: v.Name, AccessIPv4: v.AccessIPv4, AccessIPv6: v.AccessIPv6, DiskConfig: v.Disk, Hostname: v.Hostname}}
	if v.Name != nil {
		name := strings.TrimSpace(*v.Name)
		out.Name = &name
	}
	if v.AccessIPv6 != nil {
		ip := canonical(*v.AccessIPv6)
		out.AccessIPv6 = &ip
	}
	out.KeepEphemeral, _ = rest.Bool(text(v.Keep))
	for raw, to := range map[*json.RawMessage]***string{&v.Description: &out.Description, &v.KeyName: &out.KeyName, &v.UserData: &out.UserData} {
		if *to, err = orNil(*raw); err != nil {
			return out, err
		}
	}
	if out.UserData != nil && *out.UserData != nil {
		packed := strings.Join(strings.Fields(**out.UserData), "")
		*out.UserData = &packed
		if _, err := base64.StdEncoding.DecodeString(packed); err != nil {
			return out, fault.New(fault.Invalid, "Userdata content cannot be decoded")
		}
	}
	return out, nil
}

// orNil is a member that may be absent (nil), null (a pointer to nil) or a text.
func orNil(raw json.RawMessage) (**string, error) {
	if raw == nil {
		return nil, nil
	}
	var v *string
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, fault.New(fault.Invalid, "Malformed request body")
	}
	return &v, nil
}

func noInjection() error {
	return fault.New(fault.Invalid, "File injection is not available; use user_data or a config drive.")
}

func noCertificates() error {
	return fault.New(fault.Invalid, "Image signature certificate validation is not available.")
}
