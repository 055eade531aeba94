package policy

import (
	"fmt"
	"strings"
)

// parse reads one check string. "" and "@" allow everyone, "!" nobody.
func parse(text string) (check, error) {
	p := &parser{words: words(text)}
	if len(p.words) == 0 {
		return always, nil
	}
	c, err := p.or()
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	if p.peek() != "" {
		return nil, fmt.Errorf("%q: %q is one too many", text, p.peek())
	}
	return c, nil
}

type parser struct{ words []string }

func (p *parser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *parser) next() string {
	w := p.peek()
	if w != "" {
		p.words = p.words[1:]
	}
	return w
}

func (p *parser) or() (check, error) {
	a, err := p.and()
	for err == nil && strings.EqualFold(p.peek(), "or") {
		p.next()
		var b check
		if b, err = p.and(); err == nil {
			a = or(a, b)
		}
	}
	return a, err
}

func (p *parser) and() (check, error) {
	a, err := p.not()
	for err == nil && strings.EqualFold(p.peek(), "and") {
		p.next()
		var b check
		if b, err = p.not(); err == nil {
			a = and(a, b)
		}
	}
	return a, err
}

func (p *parser) not() (check, error) {
	if strings.EqualFold(p.peek(), "not") {
		p.next()
		c, err := p.not()
		if err != nil {
			return nil, err
		}
		return not(c), nil
	}
	return p.atom()
}

func (p *parser) atom() (check, error) {
	switch w := p.next(); w {
	case "":
		return nil, fmt.Errorf("it ends too early")
	case "@":
		return always, nil
	case "!":
		return never, nil
	case "(":
		c, err := p.or()
		if err == nil && p.next() != ")" {
			err = fmt.Errorf("a ) is missing")
		}
		return c, err
	default:
		return leaf(w)
	}
}

// words splits at blanks and round brackets, but not those of %(name)s.
func words(text string) []string {
	var out []string
	for _, w := range strings.Fields(text) {
		for strings.HasPrefix(w, "(") {
			out, w = append(out, "("), w[1:]
		}
		closing := 0
		for strings.HasSuffix(w, ")") {
			w, closing = w[:len(w)-1], closing+1
		}
		if w != "" {
			out = append(out, w)
		}
		for range closing {
			out = append(out, ")")
		}
	}
	return out
}
