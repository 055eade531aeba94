package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// A webImage is a web server with one image, which tests have the cloud download.
type webImage struct {
	*http.Server
	port    int
	address string
}

func serveImage() (*webImage, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	image := bytes.Repeat([]byte("stackd"), 10_000)
	w := &webImage{Server: &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(image))
	})}, port: l.Addr().(*net.TCPAddr).Port}
	w.address = fmt.Sprintf("http://%s/small.img", l.Addr())
	go w.Serve(l)
	return w, nil
}

// allow has a cloud that is to be made download from it, and keep images in several
// stores, so that what needs that is tested, too.
func (w *webImage) allow(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, "stackd.yaml"), []byte(fmt.Sprintf(`image:
  stores:
  - {id: file, type: file}
  - {id: file2, type: file}
  - {id: web, type: http}
  show_multiple_locations: true
  import_filter:
    allowed_networks: [127.0.0.1/32]
    allowed_ports: [80, 443, %d]
`, w.port)), 0o600)
}

// imageConf are tempest's switches of what a cloud of our own has.
func imageConf(web string) string {
	if web == "" {
		return "[image-feature-enabled]\nimport_image = false\n"
	}
	return "http_image = " + web + `
image_caching_enabled = true
[image-feature-enabled]
import_image = true
os_glance_reserved = true
manage_locations = true
`
}
