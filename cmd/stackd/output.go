package main

import "fmt"

// checkOutput sees that --output is what there is.
func checkOutput(output string) error {
	if output != "json" && output != "text" {
		return fmt.Errorf("--output %s: text or json is wanted", output)
	}
	return nil
}
