package raw

import (
	"context"
	"os"
	"strconv"

	"stackd/cinder"
)

// LUKSHeader is what a container takes of a volume's size.
const LUKSHeader = 2 << 20

// secret gives qemu-img the passphrase by its standard input: arguments are seen by all.
var secret = []string{"--object", "secret,id=key,file=/dev/stdin"}

// blankLUKS writes a container's header; the rest of a blank volume reads as noise.
func (f Fill) blankLUKS(ctx context.Context, passphrase []byte) error {
	out := f.Scratch + ".luks"
	defer os.Remove(out)
	if err := f.makeLUKS(ctx, out, 0, passphrase); err != nil {
		return err
	}
	return f.copyFrom(ctx, out)
}

// makeLUKS makes a container for a disk of so many bytes.
func (f Fill) makeLUKS(ctx context.Context, path string, payload int64, passphrase []byte) error {
	if err := Gone(path); err != nil {
		return err
	}
	args := append([]string{"create", "-q"}, secret...)
	args = append(args, "-f", "luks", "-o", "key-secret=key,cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=plain64,hash-alg=sha256,iter-time=500",
		path, strconv.FormatInt(payload, 10))
	return f.qemuImg(ctx, passphrase, args...)
}

// encrypted puts an image's disk into a container.
func (f Fill) encrypted(ctx context.Context, s cinder.Source) error {
	plain, out := f.Scratch+".plain", f.Scratch+".luks"
	defer os.Remove(plain)
	defer os.Remove(out)
	in := Fill{Path: plain, Size: f.Size - LUKSHeader, Scratch: f.Scratch, Lock: f.Lock}
	if err := in.toFile(ctx, s); err != nil {
		return err
	}
	if err := f.makeLUKS(ctx, out, in.Size, s.Passphrase); err != nil {
		return err
	}
	args := append([]string{"convert", "-n"}, secret...)
	args = append(args, "--image-opts", "--target-image-opts", "driver=raw,file.driver=file,file.filename="+comma(plain),
		"driver=luks,key-secret=key,file.driver=file,file.filename="+comma(out))
	if err := f.qemuImg(ctx, s.Passphrase, args...); err != nil {
		return err
	}
	return f.copyFrom(ctx, out)
}

// comma doubles a file name's commas, as QEMU's options want it.
func comma(path string) string {
	var b []byte
	for _, c := range []byte(path) {
		if c == ',' {
			b = append(b, ',')
		}
		b = append(b, c)
	}
	return string(b)
}

// toFile makes the plain disk, as large as the container's inside.
func (f Fill) toFile(ctx context.Context, s cinder.Source) error {
	if err := blank(f.Path, f.Size); err != nil {
		return err
	}
	d, err := Open(f.Path, os.O_RDWR)
	if err != nil {
		return err
	}
	defer d.File.Close()
	f.To = d
	return f.image(ctx, s)
}
