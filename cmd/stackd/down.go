package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"stackd/agent/daemon"
	"stackd/cloud"

	"github.com/spf13/cobra"
)

func downCommand() *cobra.Command {
	var data string
	c := &cobra.Command{Use: "down", Short: "End a cloud or a node that runs on this machine, its guests and its daemons; the data stays", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s := newSteps(os.Stdout, false)
			if n, err := loadNode(data); err != nil || n != nil {
				if err == nil {
					err = n.down(s)
				}
				return err
			}
			o, err := load(data)
			if err != nil {
				return err
			}
			err = s.do("control plane and node", func() (bool, error) { return running(o) == 0, stop(o, 30*time.Second) })
			if err != nil || !o.packets() {
				return err
			}
			return s.do("guests, daemons, network", func() (bool, error) {
				return false, errors.Join(daemon.Down(context.Background(), o.daemons()), cloud.EndExports(o.Data))
			})
		}}
	c.Flags().StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	return c
}

func statusCommand() *cobra.Command {
	var data, output string
	c := &cobra.Command{Use: "status", Short: "Say whether a cloud runs, and where", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if n, err := loadNode(data); err != nil || n != nil {
				if err == nil {
					err = n.status(output)
				}
				return err
			}
			o, err := load(data)
			if err != nil {
				return err
			}
			if output != "json" && output != "text" {
				return fmt.Errorf("--output %s: text or json is wanted", output)
			}
			pid := running(o)
			if output == "json" {
				return json.NewEncoder(os.Stdout).Encode(map[string]any{"data": o.Data, "running": pid != 0, "ready": isReady(o), "process": pid, "auth_url": o.address(5000) + "/v3", "one_address": o.address(o.OnePort)})
			}
			if pid == 0 {
				fmt.Printf("The cloud in %s is not running; start it with: stackd up --data %s\n", o.Data, o.Data)
				return nil
			}
			fmt.Printf("The cloud in %s runs as process %d.\n%s", o.Data, pid, summary(o))
			return nil
		}}
	c.Flags().StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	c.Flags().StringVar(&output, "output", "text", "text or json")
	return c
}
