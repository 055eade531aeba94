package keystone

import (
	"context"
	"encoding/json"
	"slices"

	"stackd/internal/fault"
)

// A DomainOption is one setting of a domain's own: which driver keeps its users,
// and how that driver finds them.
type DomainOption struct {
	DomainID string `bun:"domain_id,pk"`
	Section  string `bun:"section,pk"`
	Name     string `bun:"name,pk"`
	Value    string `bun:"value"` // JSON
}

// Config is settings by section and name.
type Config map[string]map[string]any

// ConfigDefaults are the settings that a domain may have, with the values of one
// that has none.
var ConfigDefaults = Config{
	"identity": {"driver": "sql", "list_limit": nil},
	"ldap": {
		"url": "ldap://localhost", "user": nil, "suffix": "cn=example,cn=com", "query_scope": "one", "page_size": 0, "alias_dereferencing": "default", "debug_level": nil, "chase_referrals": nil,
		"user_tree_dn": nil, "user_filter": nil, "user_objectclass": "inetOrgPerson", "user_id_attribute": "cn", "user_name_attribute": "sn", "user_description_attribute": "description",
		"user_mail_attribute": "mail", "user_pass_attribute": "userPassword", "user_enabled_attribute": "enabled", "user_enabled_invert": false, "user_enabled_mask": 0, "user_enabled_default": "True",
		"user_attribute_ignore": []any{"default_project_id"}, "user_default_project_id_attribute": nil, "user_enabled_emulation": false, "user_enabled_emulation_dn": nil,
		"user_enabled_emulation_use_group_config": false, "user_additional_attribute_mapping": []any{},
		"group_tree_dn": nil, "group_filter": nil, "group_objectclass": "groupOfNames", "group_id_attribute": "cn", "group_name_attribute": "ou", "group_member_attribute": "member",
		"group_members_are_ids": false, "group_desc_attribute": "description", "group_attribute_ignore": []any{}, "group_additional_attribute_mapping": []any{}, "group_ad_nesting": false,
		"tls_cacertfile": nil, "tls_cacertdir": nil, "use_tls": false, "tls_req_cert": "demand", "use_pool": true, "pool_size": 10, "pool_retry_max": 3, "pool_retry_delay": 0.1,
		"pool_connection_timeout": -1, "pool_connection_lifetime": 600, "use_auth_pool": true, "auth_pool_size": 100, "auth_pool_connection_lifetime": 60,
	},
}

// secretOptions may be set, and are never shown.
var secretOptions = []string{"password"}

// SecurityCompliance is what anybody may know of the rules for passwords.
func (i *Identity) SecurityCompliance(domain, name string) (Config, error) {
	if domain != DefaultDomain {
		return nil, forbidden("Invalid domain specific configuration: Reading security compliance information for any domain other than the default domain is not allowed or supported.")
	}
	null := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	all := map[string]any{"password_regex": null(i.opts.Compliance.Regex), "password_regex_description": null(i.opts.Compliance.RegexDescription)}
	if _, ok := all[name]; !ok && name != "" {
		return nil, forbidden("Invalid domain specific configuration: Reading security compliance values other than password_regex and password_regex_description is not allowed.")
	}
	return Config{"security_compliance": all}, nil
}

// mayConfigure refuses settings that a domain may not have.
func (c Config) mayConfigure() error {
	if len(c) == 0 {
		return fault.New(fault.Forbidden, "Invalid domain specific configuration: No options specified.")
	}
	for section, options := range c {
		known := ConfigDefaults[section]
		if known == nil {
			return fault.New(fault.Forbidden, "Invalid domain specific configuration: Group %s is not supported for domain specific configurations.", section)
		}
		for name := range options {
			if _, ok := known[name]; !ok && !(section == "ldap" && slices.Contains(secretOptions, name)) {
				return fault.New(fault.Forbidden, "Invalid domain specific configuration: Option %s in group %s is not supported for domain specific configurations.", name, section)
			}
		}
	}
	return nil
}

func noConfig(domain, section, name string) error {
	what := "any options"
	if section != "" {
		what = "group " + section
	}
	if name != "" {
		what = "option " + name + " in group " + section
	}
	return fault.New(fault.NotFound, "Could not find domain configuration for %s: domain: %s.", what, domain)
}

// DomainConfig is a domain's own settings, of one section or one name if these are
// given. None at all is NotFound.
func (i *Identity) DomainConfig(ctx context.Context, domain, section, name string) (Config, error) {
	if _, err := i.Domain(ctx, domain); err != nil {
		return nil, err
	}
	rows, err := all[DomainOption](ctx, i.store, optionMatch(domain, section, name), "section", "name")
	out := Config{}
	for _, r := range rows {
		if slices.Contains(secretOptions, r.Name) {
			continue
		}
		if out[r.Section] == nil {
			out[r.Section] = map[string]any{}
		}
		var v any
		if err := json.Unmarshal([]byte(r.Value), &v); err != nil {
			return nil, err
		}
		out[r.Section][r.Name] = v
	}
	if err == nil && len(out) == 0 {
		err = noConfig(domain, section, name)
	}
	return out, err
}

func optionMatch(domain, section, name string) Match {
	m := Match{"domain_id": domain}
	if section != "" {
		m["section"] = section
	}
	if name != "" {
		m["name"] = name
	}
	return m
}

// SetDomainConfig gives a domain these settings; with fresh, instead of all it had.
func (i *Identity) SetDomainConfig(ctx context.Context, domain string, c Config, fresh bool) (made bool, err error) {
	if err := c.mayConfigure(); err != nil {
		return false, err
	}
	err = i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.Domain(ctx, domain); err != nil {
			return err
		}
		had, err := i.store.Count(ctx, (*DomainOption)(nil), optionMatch(domain, "", ""))
		if err != nil {
			return err
		}
		before, err := i.directoryConfig(ctx, domain)
		if err != nil {
			return err
		}
		if made = had == 0; fresh {
			if _, err := i.store.Delete(ctx, (*DomainOption)(nil), optionMatch(domain, "", "")); err != nil {
				return err
			}
		}
		if err := i.keepOptions(ctx, domain, c); err != nil {
			return err
		}
		return i.reconfigured(ctx, domain, before)
	})
	return made, err
}

func (i *Identity) keepOptions(ctx context.Context, domain string, c Config) error {
	for section, options := range c {
		for name, v := range options {
			b, err := json.Marshal(v)
			if err != nil {
				return err
			}
			if _, err := i.store.Delete(ctx, (*DomainOption)(nil), optionMatch(domain, section, name)); err != nil {
				return err
			}
			if err := i.store.Insert(ctx, &DomainOption{domain, section, name, string(b)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// DropDomainConfig takes settings away: all, a section's, or one.
func (i *Identity) DropDomainConfig(ctx context.Context, domain, section, name string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.Domain(ctx, domain); err != nil {
			return err
		}
		before, err := i.directoryConfig(ctx, domain)
		if err != nil {
			return err
		}
		n, err := i.store.Delete(ctx, (*DomainOption)(nil), optionMatch(domain, section, name))
		if err == nil && n == 0 {
			return noConfig(domain, section, name)
		}
		if err != nil {
			return err
		}
		return i.reconfigured(ctx, domain, before)
	})
}
