package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"stackd/keystone"

	"github.com/spf13/cobra"
)

// A login is one person's way in.
type login struct{ User, Project, Password string }

func (o *options) rc(l login) string { return o.rcIn(l, "Default") }

// rcIn is the login in a domain. Without a password the shell asks for it.
func (o *options) rcIn(l login, domain string) string {
	password := "export OS_PASSWORD=" + quote(l.Password)
	if l.Password == "" {
		password = `printf 'Password of %s: ' ` + quote(l.User) + ` >&2; read -rs OS_PASSWORD; echo >&2; export OS_PASSWORD`
	}
	return fmt.Sprintf(`# Credentials for an OpenStack client. Use them with: . THIS_FILE
export OS_AUTH_URL=%[1]s/v3
export OS_USERNAME=%[2]s
export OS_PROJECT_NAME=%[3]s
%[4]s
export OS_USER_DOMAIN_NAME=%[7]s
export OS_PROJECT_DOMAIN_NAME=%[7]s
export OS_IDENTITY_API_VERSION=3
export OS_REGION_NAME=%[5]s
%[6]s`, o.address(5000), quote(l.User), quote(l.Project), password, o.Region, o.cacert(), quote(domain))
}

// quote is a text as one word of the shell.
func quote(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func unquote(s string) string {
	inner, ok := strings.CutPrefix(s, "'")
	if !ok {
		return s
	}
	return strings.ReplaceAll(strings.TrimSuffix(inner, "'"), `'\''`, "'")
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_.:/@-]+$`)

func (o *options) cacert() string {
	if o.TLSCert == "" {
		return ""
	}
	return "export OS_CACERT='" + o.TLSCert + "'\n"
}

// writeLogins writes a keystonerc_USER for each login, and a clouds.yaml of all.
func (o *options) writeLogins(logins ...login) error {
	var yaml strings.Builder
	yaml.WriteString("clouds:\n")
	for _, l := range logins {
		if err := os.WriteFile(o.path("keystonerc_"+l.User), []byte(o.rc(l)), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&yaml, "  %s:\n    region_name: %s\n    identity_api_version: 3\n    auth:\n      auth_url: %s/v3\n      username: %s\n      password: '%s'\n      project_name: %s\n      user_domain_name: Default\n      project_domain_name: Default\n",
			l.User, o.Region, o.address(5000), l.User, strings.ReplaceAll(l.Password, "'", "''"), l.Project)
		if o.TLSCert != "" {
			fmt.Fprintf(&yaml, "    cacert: %s\n", o.TLSCert)
		}
	}
	return os.WriteFile(o.path("clouds.yaml"), []byte(yaml.String()), 0o600)
}

// readLogin is a login that was written before; "" password if there is none.
func (o *options) readLogin(user string) login {
	l := login{User: user}
	b, err := os.ReadFile(o.path("keystonerc_" + user))
	if err != nil {
		return l
	}
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		switch k {
		case "OS_PASSWORD":
			l.Password = unquote(v)
		case "OS_PROJECT_NAME":
			l.Project = unquote(v)
		}
	}
	return l
}

// logins are the administrator's and, if it was made, the demo user's.
func (o *options) logins(admin login) []login {
	l := []login{admin}
	if demo := o.readLogin("demo"); demo.Password != "" {
		l = append(l, demo)
	}
	return l
}

func openrcCommand() *cobra.Command {
	var data, domain string
	c := &cobra.Command{Use: "openrc [USER [PROJECT]]", Short: "Print a user's credentials as shell variables", Args: cobra.MaximumNArgs(2),
		Long: "Prints what a shell needs to use the cloud as a user, in a project (its usual one if none is named). The passwords\n" +
			"of admin and demo are known here; with another user the shell asks for the password when it reads the variables.",
		Example: "  . <(stackd openrc demo)\n  stackd openrc alice research > alice-openrc.sh",
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := load(data)
			if err != nil {
				return err
			}
			l := login{User: "admin"}
			if len(args) > 0 {
				l.User = args[0]
			}
			if domain == "Default" {
				l = o.readLogin(l.User)
			}
			if len(args) > 1 {
				l.Project = args[1]
			}
			if err := o.checkLogin(cmd, domain, &l); err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), o.rcIn(l, domain))
			return nil
		}}
	c.Flags().StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	c.Flags().StringVar(&domain, "domain", "Default", "domain of the user and of the project, by name")
	return c
}

// checkLogin sees that user and project are there, and finds the user's own project.
func (o *options) checkLogin(cmd *cobra.Command, domain string, l *login) error {
	i, done, err := openIdentity(cmd.Context(), o, false)
	if err != nil {
		return err
	}
	defer done()
	project, err := i.HomeOf(cmd.Context(), keystone.Named{Name: l.User, DomainName: domain}, l.Project)
	if err == nil && project == "" {
		err = fmt.Errorf("%s has no project of its own; name one: stackd openrc %s PROJECT", l.User, l.User)
	}
	l.Project = project
	return err
}
