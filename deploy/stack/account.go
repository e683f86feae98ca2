package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is another user of this machine, as whom PostgreSQL runs where the
// stack itself runs as root: the server refuses root.
type account struct {
	name     string
	uid, gid uint32
}

func (a *account) credential() *syscall.Credential {
	return &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: []uint32{}}
}

// unprivileged answers with the user to run PostgreSQL as, or nil when the
// stack's own user will do. It never makes a user.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root and this machine has neither a user postgres nor nobody: run as an ordinary user")
}

// ownedFolder makes a folder that the account can work in: inside preferred
// where the path down to it may be walked by that user, else among the
// temporary files (a checkout in root's home is closed to everybody else).
func ownedFolder(ctx context.Context, as *account, preferred, id string) (string, error) {
	if as == nil {
		if err := os.MkdirAll(preferred, 0o700); err != nil {
			return "", fmt.Errorf("make the data folder: %w", err)
		}
		return preferred, nil
	}
	var errs []error
	for _, dir := range []string{
		preferred,
		filepath.Join(os.TempDir(), "regpay-"+id),
		filepath.Join("/tmp", "regpay-"+id),
		filepath.Join("/var/tmp", "regpay-"+id),
	} {
		err := makeOwned(ctx, as, dir)
		if err == nil {
			return dir, nil
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("no folder that user %s can work in: %w", as.name, errors.Join(errs...))
}

func makeOwned(ctx context.Context, as *account, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Chown(dir, int(as.uid), int(as.gid)); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	// Asking the kernel is shorter and surer than reading the modes, access
	// lists and mount options of every folder on the way.
	probe := exec.CommandContext(ctx, "/bin/sh", "-c", `cd "$1" && : > probe && rm probe`, "sh", dir)
	probe.Dir = "/"
	probe.SysProcAttr = &syscall.SysProcAttr{Credential: as.credential()}
	if out, err := probe.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("%s: %w: %s", dir, err, out), os.RemoveAll(dir))
	}
	return nil
}
