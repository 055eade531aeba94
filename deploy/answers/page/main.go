// Command page writes docs/answer-file.md to its output.
package main

import (
	"fmt"
	"os"

	"stackd/deploy/answers"
)

func main() {
	if err := answers.Page(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
