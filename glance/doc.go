// Package glance is the image service: disk images, who may see them, their bytes.
//
// Read image.go (what an image is), imaging.go (the verbs), upload.go (how bytes
// come in: hashed and inspected while they stream, and never half there) and
// patch.go (how an image is changed). Bytes live behind Backend; glance/file is
// the one on local files.
package glance
