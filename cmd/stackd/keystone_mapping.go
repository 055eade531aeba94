package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"stackd/keystone/mapping"

	"github.com/spf13/cobra"
)

func mappingCommand() *cobra.Command {
	c := &cobra.Command{Use: "mapping", Short: "Look at what mappings of identity providers do"}
	c.AddCommand(mappingTest())
	return c
}

func mappingTest() *cobra.Command {
	var rules, input, prefix, version string
	c := &cobra.Command{Use: "test --rules FILE --input FILE", Short: "Show who an assertion comes to by a mapping", Args: cobra.NoArgs,
		Long: "Reads rules (JSON: a list, or an object with a member \"rules\" and perhaps a \"schema_version\") and an assertion:\n" +
			"a line \"name: value\" for each attribute, the values of one that has several parted by semicolons. It prints who\n" +
			"that is, or why it is nobody. No cloud is needed.",
		Example: "  stackd keystone mapping test --rules rules.json --input assertion.txt",
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := readRules(rules, version)
			if err != nil {
				return err
			}
			a, err := readAssertion(input, prefix)
			if err != nil {
				return err
			}
			id, err := m.Apply(a)
			if err != nil {
				return err
			}
			e := json.NewEncoder(c.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(id)
		}}
	c.Flags().StringVar(&rules, "rules", "", "the file with the rules")
	c.Flags().StringVar(&input, "input", "", "the file with the assertion")
	c.Flags().StringVar(&prefix, "prefix", "", "only attributes whose names begin so count")
	c.Flags().StringVar(&version, "mapping-schema-version", "", "the version of the rules' language, over the one the file names")
	c.MarkFlagRequired("rules")
	c.MarkFlagRequired("input")
	return c
}

func readRules(path, version string) (*mapping.Mapping, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Rules   json.RawMessage `json:"rules"`
		Version string          `json:"schema_version"`
	}
	if trimmed := bytes.TrimSpace(b); bytes.HasPrefix(trimmed, []byte("[")) {
		file.Rules = trimmed
	} else if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("%s is no JSON: %w", path, err)
	}
	if file.Rules == nil {
		return nil, fmt.Errorf("%s has no rules", path)
	}
	if version != "" {
		file.Version = version
	}
	return mapping.Parse(file.Version, file.Rules)
}

func readAssertion(path, prefix string) (mapping.Assertion, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	attributes := map[string]string{}
	for n, line := range strings.Split(string(b), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("%s, line %d: %q is no \"name: value\"", path, n+1, line)
		}
		if name = strings.TrimSpace(name); strings.HasPrefix(name, prefix) {
			attributes[name] = strings.TrimSpace(value)
		}
	}
	return mapping.Split(attributes), nil
}
