package answers

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Answers are values by key. A key that is not there has its default.
type Answers map[string]string

// Read reads an answer file. Every fault in it is told at once.
func Read(r io.Reader) (Answers, error) {
	a := Answers{}
	var errs []error
	in := bufio.NewScanner(r)
	section := ""
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && line[len(line)-1] == ']':
			if section = line[1 : len(line)-1]; section != "general" {
				errs = append(errs, fmt.Errorf("line %d: section [%s] is not known; an answer file has one, [general]", n, section))
			}
		case section == "":
			errs = append(errs, fmt.Errorf("line %d: the section [general] must come first", n))
		default:
			errs = append(errs, a.line(n, line))
		}
	}
	return a, errors.Join(append(errs, in.Err())...)
}

func (a Answers) line(n int, line string) error {
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		key, value, ok = strings.Cut(line, ":")
	}
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	p, known := byKey[key]
	switch {
	case !ok:
		return fmt.Errorf("line %d: %q is no KEY=value", n, line)
	case !known:
		return fmt.Errorf("line %d: there is no parameter %s; is %s meant?", n, key, nearest(key))
	}
	if _, twice := a[key]; twice {
		return fmt.Errorf("line %d: %s is given twice", n, key)
	}
	a[key] = value
	if err := p.check(value); err != nil {
		return fmt.Errorf("line %d: %w", n, err)
	}
	return nil
}

// ReadFile reads the answer file of a name.
func ReadFile(name string) (Answers, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("could not find file %s: %w", name, err)
	}
	defer f.Close()
	a, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

// Facts fill in defaults that hang on where a file is made.
type Facts struct{ Address, Hostname, SSHKey string }

// Fill gives every parameter that has none its value. The same password is used for
// all that have none when CONFIG_DEFAULT_PASSWORD says one, else each gets its own.
func (a Answers) Fill(f Facts) {
	for _, p := range Parameters {
		if v, ok := a[p.Key]; !ok || v == "PW_PLACEHOLDER" {
			a[p.Key] = a.usual(p, f)
		}
	}
}

func (a Answers) usual(p Parameter, f Facts) string {
	switch p.Default {
	case "@password":
		if v := a["CONFIG_DEFAULT_PASSWORD"]; v != "" {
			return v
		}
		return random(16)
	case "@random16":
		return random(16)
	case "@random32":
		return random(32)
	case "@address":
		return f.Address
	case "@hostname":
		return f.Hostname
	case "@mail":
		return "admin@" + f.Hostname
	case "@ldap-url":
		return "ldap://" + f.Address
	case "@ssh-key":
		return f.SSHKey
	case "@processors":
		return ""
	}
	return p.Default
}

// random is so many hexadecimal digits.
func random(n int) string {
	b := make([]byte, n/2)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// Write writes an answer file with every parameter, each below its words.
func (a Answers) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "[general]")
	for _, p := range Parameters {
		fmt.Fprintln(out)
		for _, line := range wrap(p.describe(), 76) {
			fmt.Fprintln(out, "#", line)
		}
		fmt.Fprintf(out, "%s=%s\n", p.Key, a[p.Key])
	}
	return out.Flush()
}

// WriteFile writes the file so that nobody else reads its passwords.
func (a Answers) WriteFile(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), a.Write(f), f.Close())
}

// describe is what a parameter does here, in a sentence.
func (p Parameter) describe() string {
	s := strings.ToUpper(p.Words[:1]) + p.Words[1:] + "."
	if p.Verdict == None {
		s = "No meaning here: " + p.Words + "."
	}
	if p.Options != nil {
		s += " [" + strings.Join(p.Options, "|") + "]"
	}
	return s
}

func wrap(s string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// List is a value that names several things, split at commas.
func (a Answers) List(key string) (all []string) {
	for _, s := range strings.Split(a[key], ",") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// Yes tells whether a value is y.
func (a Answers) Yes(key string) bool { return a[key] == "y" }

// Set sets a value as a flag or a question gives it.
func (a Answers) Set(key, value string) error {
	p, ok := byKey[key]
	if !ok {
		return fmt.Errorf("there is no parameter %s; is %s meant?", key, nearest(key))
	}
	a[key] = value
	return p.check(value)
}

// Change has an answer file give a key another value, and leaves all else as it is.
func Change(name, key, value string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var out strings.Builder
	done := false
	for line := range strings.Lines(string(b)) {
		if k, _, ok := strings.Cut(line, "="); ok && strings.TrimSpace(k) == key {
			line, done = key+"="+value+"\n", true
		}
		out.WriteString(line)
	}
	if !done {
		out.WriteString(key + "=" + value + "\n")
	}
	if err := os.WriteFile(name+".new", []byte(out.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
