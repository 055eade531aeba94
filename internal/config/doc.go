// Package config reads settings files: YAML, strictly. A setting that nobody knows
// is an error that names its line, never silence; a file that is not there changes
// nothing. What the settings are is said by the struct that is filled.
package config
