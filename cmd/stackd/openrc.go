package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// A login is one person's way in.
type login struct{ User, Project, Password string }

func (o *options) rc(l login) string {
	return fmt.Sprintf(`# Credentials of %[2]s in project %[3]s. Use them with: . THIS_FILE
export OS_AUTH_URL=%[1]s/v3
export OS_USERNAME=%[2]s
export OS_PROJECT_NAME=%[3]s
export OS_PASSWORD='%[4]s'
export OS_USER_DOMAIN_NAME=Default
export OS_PROJECT_DOMAIN_NAME=Default
export OS_IDENTITY_API_VERSION=3
export OS_REGION_NAME=%[5]s
%[6]s`, o.address(5000), l.User, l.Project, l.Password, o.Region, o.cacert())
}

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
			l.User, o.Region, o.address(5000), l.User, l.Password, l.Project)
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
			l.Password = strings.Trim(v, "'")
		case "OS_PROJECT_NAME":
			l.Project = v
		}
	}
	return l
}

func openrcCommand() *cobra.Command {
	var data string
	c := &cobra.Command{Use: "openrc [USER]", Short: "Print a user's credentials as shell variables (admin, or demo)", Args: cobra.MaximumNArgs(1),
		Example: "  . <(stackd openrc demo)",
		RunE: func(_ *cobra.Command, args []string) error {
			o, err := load(data)
			if err != nil {
				return err
			}
			user := "admin"
			if len(args) > 0 {
				user = args[0]
			}
			l := o.readLogin(user)
			if l.Password == "" {
				return fmt.Errorf("the password of %s is not known here: there is no %s", user, o.path("keystonerc_"+user))
			}
			fmt.Print(o.rc(l))
			return nil
		}}
	c.Flags().StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	return c
}
