package api

import (
	"net/http"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) domainConfigRows() []rest.Route {
	on := "/v3/domains/{id}/config"
	get, update, drop, base := "identity:get_domain_config", "identity:update_domain_config", "identity:delete_domain_config", "identity:get_domain_config_default"
	body := a.shelf.Get("domainconfig.config")
	rows := []rest.Route{
		{On: "GET /v3/domains/config/default", Rule: base, Target: nobody, Do: rest.Do(defaultConfig(""))},
		{On: "PUT " + on, Rule: "identity:create_domain_config", Target: nobody, Body: body, Do: rest.Do(a.putConfig)},
		{On: "GET " + on, Rule: get, Target: nobody, Do: rest.Do(a.showConfig)},
		{On: "PATCH " + on, Rule: update, Target: nobody, Body: body, Do: rest.Do(a.patchConfig)},
		{On: "DELETE " + on, Rule: drop, Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.dropConfig)},
		{On: "GET " + on + "/{section}", Rule: get, Target: nobody, Do: rest.Do(a.showConfig)},
		{On: "PATCH " + on + "/{section}", Rule: update, Target: nobody, Body: body, Do: rest.Do(a.patchConfig)},
		{On: "DELETE " + on + "/{section}", Rule: drop, Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.dropConfig)},
		{On: "GET " + on + "/{section}/{name}", Rule: get, Target: nobody, Do: rest.Do(a.showConfig)},
		{On: "PATCH " + on + "/{section}/{name}", Rule: update, Target: nobody, Body: a.shelf.Get("domainconfig.option"), Do: rest.Do(a.patchOption)},
		{On: "DELETE " + on + "/{section}/{name}", Rule: drop, Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.dropConfig)},
	}
	for _, at := range []string{"", "/{name}"} {
		rows = append(rows, rest.Route{On: "GET " + on + "/security_compliance" + at, Rule: "identity:get_security_compliance_domain_config", Target: nobody, Do: rest.Do(a.showCompliance)})
	}
	for section := range keystone.ConfigDefaults { // by name: "{section}" would also match a domain that is called config
		at := "GET /v3/domains/config/" + section
		rows = append(rows, rest.Route{On: at + "/default", Rule: base, Target: nobody, Do: rest.Do(defaultConfig(section))},
			rest.Route{On: at + "/{name}/default", Rule: base, Target: nobody, Do: rest.Do(defaultConfig(section))})
	}
	return rows
}

type configIn struct {
	ID      string          `path:"id"`
	Section string          `path:"section"`
	Name    string          `path:"name"`
	Config  keystone.Config `json:"config"`
}

type configOut struct {
	Config any `wire:"config"`
}

// configView shows all sections, or below the name of a section or of an option.
func configView(in configIn, c keystone.Config) configOut {
	if in.Name != "" {
		return configOut{map[string]any{in.Name: c[in.Section][in.Name]}}
	}
	return configOut{map[string]map[string]any(c)}
}

func defaultConfig(section string) func(*rest.Call, configIn) (configOut, error) {
	return func(_ *rest.Call, in configIn) (configOut, error) {
		if in.Section = section; section == "" {
			return configView(in, keystone.ConfigDefaults), nil
		}
		known := keystone.ConfigDefaults[section]
		if _, ok := known[in.Name]; !ok && in.Name != "" {
			return configOut{}, fault.New(fault.Forbidden, "Invalid domain specific configuration: Option %s in group %s is not supported for domain specific configurations.", in.Name, section)
		}
		return configView(in, keystone.Config{section: known}), nil
	}
}

func (a *API) showConfig(c *rest.Call, in configIn) (configOut, error) {
	cfg, err := a.id.DomainConfig(c.Context(), in.ID, in.Section, in.Name)
	return configView(in, cfg), err
}

func (a *API) showCompliance(_ *rest.Call, in configIn) (configOut, error) {
	cfg, err := a.id.SecurityCompliance(in.ID, in.Name)
	in.Section = "security_compliance"
	return configView(in, cfg), err
}

// putConfig answers 201 when there was none before.
func (a *API) putConfig(c *rest.Call, in configIn) (any, error) {
	made, err := a.id.SetDomainConfig(c.Context(), in.ID, in.Config, true)
	if err != nil {
		return nil, err
	}
	if made {
		c.Route.Status = http.StatusCreated
	}
	return a.showConfig(c, configIn{ID: in.ID})
}

func (a *API) patchConfig(c *rest.Call, in configIn) (configOut, error) {
	if _, err := a.id.DomainConfig(c.Context(), in.ID, in.Section, ""); err != nil {
		return configOut{}, err
	}
	for section := range in.Config {
		if in.Section != "" && section != in.Section {
			return configOut{}, fault.New(fault.Forbidden, "Invalid domain specific configuration: The group %s in the request does not match that in the URL: %s.", section, in.Section)
		}
	}
	if _, err := a.id.SetDomainConfig(c.Context(), in.ID, in.Config, false); err != nil {
		return configOut{}, err
	}
	return a.showConfig(c, configIn{ID: in.ID})
}

func (a *API) patchOption(c *rest.Call, in struct {
	ID      string         `path:"id"`
	Section string         `path:"section"`
	Name    string         `path:"name"`
	Config  map[string]any `json:"config"`
}) (configOut, error) {
	if _, err := a.id.DomainConfig(c.Context(), in.ID, in.Section, in.Name); err != nil {
		return configOut{}, err
	}
	v, ok := in.Config[in.Name]
	if !ok || len(in.Config) != 1 {
		return configOut{}, fault.New(fault.Forbidden, "Invalid domain specific configuration: The option in the request does not match that in the URL: %s.", in.Name)
	}
	if _, err := a.id.SetDomainConfig(c.Context(), in.ID, keystone.Config{in.Section: {in.Name: v}}, false); err != nil {
		return configOut{}, err
	}
	return a.showConfig(c, configIn{ID: in.ID})
}

func (a *API) dropConfig(c *rest.Call, in configIn) error {
	return a.id.DropDomainConfig(c.Context(), in.ID, in.Section, in.Name)
}
