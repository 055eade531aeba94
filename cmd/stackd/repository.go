package main

import (
	"fmt"
	"os"

	"stackd/deploy"

	"github.com/spf13/cobra"
)

func repositoryCommand() *cobra.Command {
	var index bool
	c := &cobra.Command{Use: "repository FOLDER [PACKAGE...]", Short: "Fetch the packages that hosts need into a folder, for hosts with no way out", Args: cobra.MinimumNArgs(1),
		Long: `Fetch every package that hosts need, with all that these need, into a folder: for hosts
with no way out. It is run on a machine that has one, of the distribution that the hosts are
of; the folder is then given to the installer as CONFIG_STACKD_REPOSITORY, and each host
reads it through the connection that the installer has to it.

Packages that are named are fetched instead of all. --index-only makes a repository of the
packages that the folder has.

On Fedora and Enterprise Linux dnf fetches them (its download is in dnf-plugins-core) and
createrepo_c writes the index. Each package must be signed by a key that this machine has:
one that rpm knows, or one in /etc/pki/rpm-gpg. apt looks at its indexes' signatures itself.`,
		Example: "  stackd repository /srv/packages\n  stackd install --answer-file answers.txt --stackd-repository /srv/packages",
		RunE: func(c *cobra.Command, args []string) error {
			folder, names := args[0], args[1:]
			if len(names) == 0 {
				names = deploy.EveryPackage()
			}
			make := func() error { return deploy.FetchPackages(c.Context(), folder, names, c.ErrOrStderr()) }
			if index {
				make = func() error { return deploy.IndexPackages(c.Context(), folder) }
			}
			if err := make(); err != nil {
				return err
			}
			return tellRepository(c, folder)
		}}
	c.Flags().BoolVar(&index, "index-only", false, "fetch nothing; only write the index of the packages that are there")
	return c
}

func tellRepository(c *cobra.Command, folder string) error {
	files, err := deploy.PackagesIn(folder)
	var bytes int64
	for _, f := range files {
		if i, err := os.Stat(f); err == nil {
			bytes += i.Size()
		}
	}
	if err == nil {
		_, err = fmt.Fprintf(c.OutOrStdout(), "%d packages, %d MB, are in %s. Give it to the installer: --stackd-repository %s\n", len(files), bytes/1_000_000, folder, folder)
	}
	return err
}
