package main

import (
	"context"
	"fmt"
	"os"

	"stackd/internal/sqldb"
	"stackd/keystone"
	keystonestore "stackd/keystone/store"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func keystoneCommand() *cobra.Command {
	c := &cobra.Command{Use: "keystone", Short: "Look after identity: the first administrator, keys, mappings, audit"}
	c.AddCommand(bootstrapCommand(), keysCommand(), auditCommand())
	return c
}

// openIdentity opens the identity of a cloud's database beside a control plane
// that may be running. On SQLite, what this process changes is not heard by another:
// change there is refused while one runs.
func openIdentity(ctx context.Context, o *options, change bool) (*keystone.Identity, func(), error) {
	if pid := running(o); change && pid != 0 && !o.shared() {
		return nil, nil, errRunning{o.Data, pid}
	}
	set, err := o.settings()
	if err != nil {
		return nil, nil, err
	}
	if set.Identity.MasterKey, err = keystone.MasterKey(o.path("master.key")); err != nil {
		return nil, nil, err
	}
	db, err := sqldb.Open(ctx, o.Database)
	if err != nil {
		return nil, nil, err
	}
	if err = keystonestore.Migrate(ctx, db); err == nil {
		var i *keystone.Identity
		if i, err = keystone.New(db, keystonestore.New(db), set.Identity); err == nil {
			return i, func() { db.Close() }, nil
		}
	}
	db.Close()
	return nil, nil, err
}

func bootstrapCommand() *cobra.Command {
	var data string
	var b keystone.BootstrapSpec
	c := &cobra.Command{Use: "bootstrap", Short: "Make an administrator, or give one a new password",
		Long: "Makes sure that the administrator, its project, the usual roles and the service project are there, and sets the\n" +
			"administrator's password. A new cloud does this by itself; this is the way back in when the password is lost.\n" +
			"The password is asked for, or taken from OS_BOOTSTRAP_PASSWORD.",
		Example: "  stackd down && stackd keystone bootstrap && stackd up",
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := load(data)
			if err != nil {
				return err
			}
			i, done, err := openIdentity(c.Context(), o, true)
			if err != nil {
				return err
			}
			defer done()
			if b.AdminPassword, err = newPassword("New password of " + b.AdminUser + ": "); err != nil {
				return err
			}
			b.Region, b.ResetAdmin = o.Region, true
			if err := i.ByHand(c.Context(), operator(), "stackd keystone bootstrap", "updated.user", "user", func(ctx context.Context) error { return i.Bootstrap(ctx, b) }); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s may sign in to project %s with the new password.\n", b.AdminUser, b.AdminProject)
			if b.AdminUser != "admin" || b.AdminProject != "admin" {
				return nil
			}
			return o.writeLogins(o.logins(login{"admin", "admin", b.AdminPassword})...)
		}}
	f := c.Flags()
	f.StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	f.StringVar(&b.AdminUser, "username", "admin", "the administrator")
	f.StringVar(&b.AdminProject, "project", "admin", "the administrator's project")
	return c
}

// newPassword is one of the environment, else one typed twice.
func newPassword(prompt string) (string, error) {
	if p := os.Getenv("OS_BOOTSTRAP_PASSWORD"); p != "" {
		return p, nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", fmt.Errorf("there is no terminal to ask for the password: set OS_BOOTSTRAP_PASSWORD")
	}
	var typed [2]string
	for n, text := range []string{prompt, "Once more: "} {
		fmt.Fprint(os.Stderr, text)
		b, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return "", err
		}
		typed[n] = string(b)
	}
	if typed[0] != typed[1] || typed[0] == "" {
		return "", fmt.Errorf("the two passwords are empty or differ; nothing was changed")
	}
	return typed[0], nil
}
