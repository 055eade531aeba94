package answers

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed parameters.tsv
var table string

// Verdicts on a parameter.
const (
	Honoured = "honoured" // it does what it says
	Mapped   = "mapped"   // something else does its job
	None     = "none"     // it has no meaning here
)

// A Parameter is one key of an answer file.
type Parameter struct {
	Key     string
	Default string   // as in parameters.tsv: @password and the like are filled in when a file is made
	Options []string // the only values it may have; nil for any
	Flag    string   // of the command line: --default-password
	Verdict string
	Words   string // what it does, or why it does nothing
}

// Masked tells whether a value is a secret.
func (p Parameter) Masked() bool {
	return strings.HasSuffix(p.Key, "_PW") || strings.HasSuffix(p.Key, "PASSWORD") || strings.HasSuffix(p.Key, "_SECRET") || strings.HasSuffix(p.Key, "_KEY") && p.Key != "CONFIG_SSH_KEY" || p.Key == "CONFIG_STACKD_DATABASE"
}

// Parameters are all, in packstack's order.
var Parameters = parse(table)

var byKey = func() map[string]Parameter {
	m := map[string]Parameter{}
	for _, p := range Parameters {
		m[p.Key] = p
	}
	return m
}()

func parse(table string) []Parameter {
	var all []Parameter
	for _, line := range strings.Split(strings.TrimSpace(table), "\n")[1:] {
		f := strings.Split(line, "\t")
		p := Parameter{Key: f[0], Default: f[1], Flag: f[3], Verdict: f[4], Words: f[5]}
		// Types of network may be several at a time.
		if f[2] != "" && !strings.HasSuffix(p.Key, "_DRIVERS") && !strings.HasSuffix(p.Key, "_TYPES") && !strings.HasSuffix(p.Key, "FLAGS") {
			p.Options = strings.Split(f[2], "|")
		}
		all = append(all, p)
	}
	return all
}

// check refuses a value that the parameter may not have.
func (p Parameter) check(value string) error {
	if value == "" || p.Options == nil || slices.Contains(p.Options, value) {
		return nil
	}
	return fmt.Errorf("parameter %s failed validation: %q is none of %s", p.Key, value, strings.Join(p.Options, ", "))
}

// nearest is the known key that is most like another.
func nearest(key string) string {
	best, least := "", 1<<30
	for _, p := range Parameters {
		if d := distance(key, p.Key); d < least {
			best, least = p.Key, d
		}
	}
	return best
}

// distance counts the letters that must be put in, taken out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := left
			if a[i] != b[j] {
				cost++
			}
			left = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
