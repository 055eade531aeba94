package api

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/nova"
)

type createIn struct {
	Hints  map[string]any `json:"os:scheduler_hints"`
	Hints2 map[string]any `json:"OS-SCH-HNT:scheduler_hints"`
	Server struct {
		Name, ImageRef, AdminPass, AccessIPv4, AccessIPv6 string
		FlavorRef                                         any                     `json:"flavorRef"`
		Metadata                                          map[string]string       `json:"metadata"`
		Networks                                          json.RawMessage         `json:"networks"`
		Disk                                              string                  `json:"OS-DCF:diskConfig"`
		AZ                                                string                  `json:"availability_zone"`
		BDM                                               []deviceIn              `json:"block_device_mapping_v2"`
		OldBDM                                            []deviceIn              `json:"block_device_mapping"`
		ConfigDrive                                       any                     `json:"config_drive"`
		KeyName                                           string                  `json:"key_name"`
		Min                                               any                     `json:"min_count"`
		Max                                               any                     `json:"max_count"`
		WantReservation                                   any                     `json:"return_reservation_id"`
		Groups                                            []struct{ Name string } `json:"security_groups"`
		UserData                                          string                  `json:"user_data"`
		Description                                       *string                 `json:"description"`
		Tags                                              []string                `json:"tags"`
		Personality                                       []any                   `json:"personality"`
		Host                                              string                  `json:"host"`
		Node                                              string                  `json:"hypervisor_hostname"`
		Hostname                                          string                  `json:"hostname"`
		Certs                                             []any                   `json:"trusted_image_certificates"`
	} `json:"server"`
}

type createOut struct {
	Reservation string       `wire:"reservation_id,,omitempty"`
	Server      *createdView `wire:"server,,omitempty"`
}

type createdView struct {
	ID     string     `wire:"id"`
	Links  []link     `wire:"links"`
	Disk   string     `wire:"OS-DCF:diskConfig"`
	Groups []nameOnly `wire:"security_groups"`
	Pass   string     `wire:"adminPass"`
}

func (s *service) createServer(c *rest.Call, in createIn) (createOut, error) {
	s.ctx(c)
	spec, err := s.spec(c, in)
	if err != nil {
		return createOut{}, err
	}
	rows, err := s.c.CreateServers(c.Context(), spec)
	if err != nil {
		return createOut{}, err
	}
	if want, _ := rest.Bool(text(in.Server.WantReservation)); want {
		return createOut{Reservation: rows[0].ReservationID}, nil
	}
	v := createdView{ID: rows[0].ID, Links: links(c, "servers", rows[0].ID), Disk: spec.DiskConfig, Pass: spec.AdminPassword}
	for _, g := range spec.Asked.SecurityGroups {
		v.Groups = append(v.Groups, nameOnly{g})
	}
	c.W.Header().Set("Location", v.Links[0].Href)
	return createOut{Server: &v}, nil
}

func (s *service) updateServer(c *rest.Call, in struct {
	byID
	Server struct {
		Name, AccessIPv4, AccessIPv6, Hostname *string
		Disk                                   *string         `json:"OS-DCF:diskConfig"`
		Description                            json.RawMessage `json:"description"`
	} `json:"server"`
}) (map[string]any, error) {
	v := in.Server
	u := nova.ServerUpdate{Name: v.Name, AccessIPv4: v.AccessIPv4, AccessIPv6: v.AccessIPv6, DiskConfig: v.Disk, Hostname: v.Hostname}
	if v.AccessIPv6 != nil {
		ip := canonical(*v.AccessIPv6)
		u.AccessIPv6 = &ip
	}
	d, err := orNil(v.Description)
	if err != nil {
		return nil, err
	}
	u.Description = d
	r, err := s.c.Update(c.Context(), in.ID, u)
	if err != nil {
		return nil, err
	}
	view, err := s.changed(c, r)
	return map[string]any{"server": view}, err
}

func (s *service) deleteServer(c *rest.Call, in byID) error {
	s.ctx(c)
	return s.c.Delete(c.Context(), in.ID, false)
}

// spec turns what the wire says into what compute takes.
func (s *service) spec(c *rest.Call, in createIn) (nova.ServerSpec, error) {
	v := in.Server
	out := nova.ServerSpec{Name: strings.TrimSpace(v.Name), FlavorID: text(v.FlavorRef), Hostname: v.Hostname, Description: v.Description, KeyName: v.KeyName, UserData: v.UserData,
		Metadata: v.Metadata, Tags: v.Tags, AccessIPv4: v.AccessIPv4, AccessIPv6: canonical(v.AccessIPv6), DiskConfig: v.Disk, AdminPassword: v.AdminPass}
	if out.DiskConfig == "" {
		out.DiskConfig = "MANUAL"
	}
	if out.Description == nil && !c.From(2, 19) {
		out.Description = &out.Name
	}
	if out.AdminPassword == "" {
		out.AdminPassword = password()
	}
	out.ConfigDrive, _ = rest.Bool(text(v.ConfigDrive))
	out.ZeroDisk = c.May("os_compute_api:servers:create:zero_disk_flavor", c.Own())
	for _, f := range []func(*rest.Call, createIn, *nova.ServerSpec) error{specImage, specCount, specUserData, specNetworks, specPlace} {
		if err := f(c, in, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func specCount(_ *rest.Call, in createIn, out *nova.ServerSpec) error {
	out.Min, out.Max = 1, 0
	if in.Server.Min != nil {
		out.Min, _ = strconv.Atoi(text(in.Server.Min))
	}
	out.Max = out.Min
	if in.Server.Max != nil {
		out.Max, _ = strconv.Atoi(text(in.Server.Max))
	}
	if in.Server.Min == nil && in.Server.Max != nil {
		out.Min = 1
	}
	if out.Min > out.Max {
		return fault.New(fault.Invalid, "min_count must be <= max_count")
	}
	if out.Max > 1 && out.Hostname != "" {
		return fault.New(fault.Invalid, "Unable to allocate multiple instances with a hostname")
	}
	return nil
}

func specUserData(_ *rest.Call, in createIn, out *nova.ServerSpec) error {
	if _, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(out.UserData), "")); err != nil {
		return fault.New(fault.Invalid, "Userdata content cannot be decoded")
	}
	out.UserData = strings.Join(strings.Fields(out.UserData), "")
	if len(in.Server.Personality) > 0 {
		return noInjection()
	}
	if len(in.Server.Certs) > 0 {
		return noCertificates()
	}
	return nil
}

func specNetworks(_ *rest.Call, in createIn, out *nova.ServerSpec) error {
	for _, g := range in.Server.Groups {
		if !slices.Contains(out.Asked.SecurityGroups, g.Name) {
			out.Asked.SecurityGroups = append(out.Asked.SecurityGroups, g.Name)
		}
	}
	if len(out.Asked.SecurityGroups) == 0 {
		out.Asked.SecurityGroups = []string{"default"}
	}
	raw := in.Server.Networks
	switch string(raw) {
	case "", "null", "[]", `"auto"`:
		out.Asked.Auto = true
		return nil
	case `"none"`:
		out.Asked.NoNetwork = true
		return nil
	}
	var list []struct {
		UUID    string `json:"uuid"`
		Port    string `json:"port"`
		FixedIP string `json:"fixed_ip"`
		Tag     string `json:"tag"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return fault.New(fault.Invalid, "Malformed request body")
	}
	for _, n := range list {
		r := nova.NetworkRequest{NetworkID: n.UUID, PortID: n.Port, FixedIP: n.FixedIP, Tag: n.Tag}
		if n.Port != "" {
			r.NetworkID = ""
		}
		if n.Port != "" && n.FixedIP != "" {
			return fault.New(fault.Invalid, "Specified Fixed IP '%s' cannot be used with port '%s': the two cannot be specified together.", n.FixedIP, n.Port)
		}
		if r.NetworkID == "" && r.PortID == "" {
			return fault.New(fault.Invalid, "Bad network format: missing 'uuid'")
		}
		out.Asked.Networks = append(out.Asked.Networks, r)
	}
	return nil
}

func specPlace(c *rest.Call, in createIn, out *nova.ServerSpec) error {
	az, host, _ := strings.Cut(in.Server.AZ, ":")
	host, _, _ = strings.Cut(host, ":")
	out.Asked.AZ, out.Asked.Host = az, host
	if host != "" {
		if err := c.Require("os_compute_api:servers:create:forced_host", c.Own()); err != nil {
			return err
		}
		out.Asked.AZ = ""
	}
	if h := in.Server.Host + in.Server.Node; h != "" {
		if err := c.Require("compute:servers:create:requested_destination", policy.Target{"project_id": c.Who.Project.ID}); err != nil {
			return err
		}
		out.Asked.Host = in.Server.Host
		if out.Asked.Host == "" {
			out.Asked.Host = in.Server.Node
		}
	}
	out.Asked.Hints = map[string][]string{}
	for _, hints := range []map[string]any{in.Hints, in.Hints2} {
		for k, v := range hints {
			if l, ok := v.([]any); ok {
				for _, x := range l {
					out.Asked.Hints[k] = append(out.Asked.Hints[k], text(x))
				}
			} else {
				out.Asked.Hints[k] = []string{text(v)}
			}
		}
	}
	if g := out.Asked.Hints["group"]; len(g) > 0 {
		out.Asked.GroupID = g[0]
	}
	return nil
}
