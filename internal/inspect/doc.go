// Package inspect looks at a disk image as its bytes go by and refuses what a
// hypervisor must not open: content that is not the format it is said to be,
// and images that point to other files.
//
// It reads headers only, in pure Go, and keeps a bounded prefix: 64 KiB for most
// formats, 8 MiB for VHDX whose header is far inside. Nothing else may touch an
// image's bytes before it has passed.
//
//	insp := inspect.New("qcow2")
//	_, err := io.Copy(io.MultiWriter(file, hash, insp), body) // fails as early as it can
//	result, err := insp.Result()                              // the last word, at the end
package inspect
