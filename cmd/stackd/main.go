// Command stackd is a whole OpenStack in one program. `stackd up` makes a running
// cloud of this machine; see the sub-commands' help.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func main() {
	go paceMemory()
	root := &cobra.Command{Use: "stackd", Short: "The whole OpenStack in one program",
		Long:          "stackd is the whole OpenStack in one program: identity, images, placement, compute and networks.\n\nBegin with:  stackd up --demo",
		SilenceUsage:  true,
		SilenceErrors: true, Version: version()}
	root.AddCommand(upCommand(), serveCommand(), agentCommand(), nodeCommand(), installCommand("install"), installCommand("packstack"), uninstallCommand(), digCommand(), nslookupCommand(), demoCommand(), doctorCommand(), upgradeCommand(), holdCommand(), backupCommand(), restoreCommand(), repositoryCommand(), downCommand(), statusCommand(), openrcCommand(), policyCommand(), keystoneCommand())
	if filepath.Base(os.Args[0]) == "packstack" { // a link of that name is a drop-in
		root.SetArgs(append([]string{"packstack"}, os.Args[1:]...))
	}
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "stackd:", err)
		os.Exit(1)
	}
}

// version is the commit this was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "development"
}
