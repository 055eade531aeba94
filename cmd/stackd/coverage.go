package main

import "github.com/spf13/cobra"

func coverageCommand() *cobra.Command {
	return &cobra.Command{Use: "coverage", Hidden: true, Short: "Write docs/coverage.md", RunE: func(*cobra.Command, []string) error { return nil }}
}
