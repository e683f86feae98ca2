package stack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// tool is an official program that is built from a pinned module of its own
// under deploy/tools.
type tool struct {
	name    string // of the binary
	title   string // for people
	module  string // folder under deploy/tools
	pkg     string
	minutes string // what the first build takes, for people
}

func temporalServerTool() tool {
	return tool{"temporal-server", "the Temporal server", "temporal-server", "go.temporal.io/server/cmd/server", "four to eight minutes on two cores"}
}

func temporalSQLTool() tool {
	return tool{"temporal-sql-tool", "Temporal's schema tool", "temporal-server", "go.temporal.io/server/cmd/tools/sql", "less than a minute after the server"}
}

func temporalUITool() tool {
	return tool{"temporal-ui", "the Temporal UI", "temporal-ui", "github.com/temporalio/ui-server/v2/cmd/server", "about a minute"}
}

// buildTool answers with the path of the tool's binary, building it if this
// version of it was not built before. The folder's name carries the versions:
// of the module and all it depends on, and of Go.
func (b *builder) buildTool(ctx context.Context, t tool) (string, error) {
	source := filepath.Join(b.root, "deploy", "tools", t.module)
	key, err := toolKey(source)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(b.local, "tools", t.module+"-"+key, t.name)
	if isProgram(binary) {
		return binary, nil
	}
	// One build at a time on the whole machine's share: linking the server
	// alone wants a gigabyte.
	unlock, err := lockFile(ctx, filepath.Join(b.local, "tools", "lock"), func() {
		b.progress.line("another run builds its tools; waiting for it")
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if isProgram(binary) {
		return binary, nil
	}
	b.progress.line("building %s; only the first build takes long (%s), later runs use the binary kept", t.title, t.minutes)
	started := time.Now()
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", fmt.Errorf("build %s: %w", t.title, err)
	}
	fresh := binary + ".new"
	// Without symbols the server is a third smaller and links faster.
	err = b.goBuild(ctx, source, t.title, nil, "-buildvcs=false", "-ldflags=-s -w", "-o", fresh, t.pkg)
	if err == nil {
		err = os.Rename(fresh, binary)
	}
	if err != nil {
		_ = os.Remove(fresh)
		return "", fmt.Errorf("build %s: %w", t.title, err)
	}
	b.progress.done(started, "built %s", t.title)
	return binary, nil
}

// toolKey is short for the exact sources and compiler of a tools module.
func toolKey(source string) (string, error) {
	h := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", fmt.Errorf("read the tools module: %w", err)
		}
		h.Write(text)
	}
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// buildOwn builds packages of the checkout into one folder, each under the name
// of its package's folder, with the Go experiments that the environment or
// experiment asks for. The Go tool decides what is out of date.
func (b *builder) buildOwn(ctx context.Context, race bool, experiment string, packages ...string) (string, error) {
	dir := filepath.Join(b.local, "bin")
	title := "regpay's programs"
	args := []string{}
	if race {
		dir = filepath.Join(dir, "race")
		args = append(args, "-race")
		title += " with the race detector"
	}
	unlock, err := lockFile(ctx, filepath.Join(b.local, "bin", "lock"), func() {
		b.progress.line("another run builds regpay's programs; waiting for it")
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("build %s: %w", title, err)
	}
	// Built aside and renamed: a stack that is up goes on running the old file.
	fresh, err := os.MkdirTemp(dir, ".new-*")
	if err != nil {
		return "", fmt.Errorf("build %s: %w", title, err)
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	started := time.Now()
	args = append(args, "-o", fresh+string(filepath.Separator))
	var env []string
	if experiment != "" {
		env = []string{"GOEXPERIMENT=" + experiment}
	}
	if err := b.goBuild(ctx, b.root, title, env, append(args, packages...)...); err != nil {
		return "", fmt.Errorf("build %s: %w", title, err)
	}
	for _, pkg := range packages {
		name := filepath.Base(pkg)
		if err := os.Rename(filepath.Join(fresh, name), filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("build %s: %w", title, err)
		}
	}
	b.progress.done(started, "built %s", title)
	return dir, nil
}

// builder runs the Go tool and shows how far it is.
type builder struct {
	root, local string
	progress    *progress
}

func (b *builder) goBuild(ctx context.Context, dir, title string, env []string, args ...string) error {
	goTool, err := findGo()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, goTool, append([]string{"build", "-v"}, args...)...)
	cmd.Dir = dir
	// A workspace of the user's must not mix its modules into pinned builds.
	cmd.Env = append(append(os.Environ(), "GOWORK=off", "PWD="+dir), env...)
	endWithGroup(cmd)
	watch := &buildWatch{}
	cmd.Stdout, cmd.Stderr = watch, watch
	stop := b.progress.ticking(func(elapsed string) string {
		return fmt.Sprintf("  %s: %s, %s", title, elapsed, watch.state())
	})
	err = cmd.Run()
	stop()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, watch.complaints())
	}
	return nil
}

// findGo answers with the Go tool.
func findGo() (string, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return "", errors.New("the Go tool is not in PATH: install Go 1.26 or later")
	}
	return path, nil
}

// buildWatch reads what `go build -v` says: a line for each package as it is
// compiled, "go: downloading …" before, and complaints.
type buildWatch struct {
	mu       sync.Mutex
	rest     []byte
	packages int
	last     string
	other    []string
}

func (w *buildWatch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		w.rest = rest
		w.line(string(line))
	}
}

func (w *buildWatch) line(text string) {
	switch {
	case strings.HasPrefix(text, "go: downloading "):
		w.last = strings.TrimPrefix(text, "go: ")
	case text != "" && !strings.ContainsAny(text, " \t:#"):
		w.packages++
		w.last = text
	default:
		w.other = append(w.other, text)
	}
}

func (w *buildWatch) state() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == "" {
		return "starting"
	}
	return fmt.Sprintf("%d packages, now %s", w.packages, w.last)
}

// complaints are the last lines that were no progress.
func (w *buildWatch) complaints() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := append(w.other, string(w.rest))
	return strings.TrimSpace(strings.Join(lines[max(0, len(lines)-30):], "\n"))
}
