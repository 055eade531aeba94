package sealed

import "testing"

func TestBox(t *testing.T) {
	b := New([]byte("master"), "one purpose")
	closed := b.Close([]byte("secret"))
	if closed == b.Close([]byte("secret")) {
		t.Error("it closes the same way twice")
	}
	if got, err := b.Open(closed); err != nil || string(got) != "secret" {
		t.Fatal(string(got), err)
	}
	for name, other := range map[string]Box{"purpose": New([]byte("master"), "another"), "master": New([]byte("else"), "one purpose")} {
		if got, err := other.Open(closed); err == nil {
			t.Errorf("another %s opens it: %q", name, got)
		}
	}
	for _, bad := range []string{"", "x", closed[:len(closed)-2], "A" + closed[1:len(closed)-1] + "!"} {
		if _, err := b.Open(bad); err == nil {
			t.Errorf("%q is opened", bad)
		}
	}
}
