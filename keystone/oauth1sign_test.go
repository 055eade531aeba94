package keystone

import (
	"testing"
	"time"
)

// The example of RFC 5849, section 3.4.1.1.
func TestOAuthBaseIsThatOfTheRFC(t *testing.T) {
	c := OAuthCall{Method: "post", URL: "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", Form: "c2&a3=2+q",
		Authorization: `OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", oauth_signature_method="HMAC-SHA1",
			oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", oauth_signature="bYT5CMsGcbgUdFHObYMEfcx6bsw%3D"`}
	p, err := c.params()
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.base(p)
	if want := "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2" +
		"%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"; got != want || err != nil {
		t.Errorf("%s\n%s %v", got, want, err)
	}
	if p.get("oauth_signature") != "bYT5CMsGcbgUdFHObYMEfcx6bsw=" || p.get("realm") != "" {
		t.Error(p)
	}
}

// The example of section 1.2, whose secrets are told there.
func TestOAuthSignatureIsThatOfTheRFC(t *testing.T) {
	c := OAuthCall{Method: "POST", URL: "https://photos.example.net/initiate",
		Authorization: `OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131200", oauth_nonce="wIjqoS",
			oauth_callback="http%3A%2F%2Fprinter.example.com%2Fready", oauth_signature="74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D"`}
	p, err := c.params()
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]bool{"kd94hf93k423kf44": true, "kd94hf93k423kf45": false, "": false} {
		if ok, err := c.signed(p, secret, ""); ok != want || err != nil {
			t.Error(secret, ok, err)
		}
	}
	for text, want := range map[int64]bool{0: true, 590: true, -590: true, 610: false, -610: false} {
		if _, err := stampOf(p, time.Unix(137131200+text, 0)); (err == nil) != want {
			t.Error(text, err)
		}
	}
}
