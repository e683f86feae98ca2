package stack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const modulePath = "github.com/regpay/regpay"

// findRoot answers with the checkout: the folder given, or the nearest one
// upwards from the working directory that holds regpay's go.mod.
func findRoot(given string) (string, error) {
	from := given
	if from == "" {
		var err error
		if from, err = os.Getwd(); err != nil {
			return "", fmt.Errorf("find the checkout: %w", err)
		}
	}
	from, err := filepath.Abs(from)
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for dir := from; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		first, _, _ := strings.Cut(string(text), "\n")
		if err == nil && strings.TrimSpace(first) == "module "+modulePath {
			return dir, nil
		}
		if given != "" || dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find the checkout: no go.mod of %s at or above %s", modulePath, from)
		}
	}
}

// findLocal answers with the folder for binaries and data, as an absolute path.
func findLocal(given, root string) (string, error) {
	local := given
	if local == "" {
		local = os.Getenv("REGPAY_LOCAL")
	}
	if local == "" {
		local = filepath.Join(root, ".local")
	}
	local, err := filepath.Abs(local)
	if err != nil {
		return "", fmt.Errorf("find the local folder: %w", err)
	}
	if err := os.MkdirAll(local, 0o755); err != nil {
		return "", fmt.Errorf("make the local folder: %w", err)
	}
	return local, nil
}

// randomHex is n random bytes in hex: ids of runs, passwords of private servers.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: the runtime ends the program instead
	return hex.EncodeToString(b)
}

// lockFile takes an exclusive lock that the kernel releases with the process,
// so that two runs never build the same binary at once. It calls waiting once
// when somebody else holds the lock.
func lockFile(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for first := true; ; first = false {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("wait for the lock %s: %w", path, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// writeFile replaces a file in one step, so that no reader sees half of it.
func writeFile(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
