package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// debianPackage is a package that the stack installs where that can be done
// without asking anybody.
type debianPackage struct {
	name  string
	title string // of the program, for people
	note  string // what is special about the installation, in brackets
	hint  string // the one sentence for people whose machine cannot be helped
	// before is a shell command that root runs first, and after one that is run
	// whatever came of the installation; empty for none.
	before, after string
}

// install runs apt-get as root, or by a sudo that asks for no password.
func (p debianPackage) install(ctx context.Context, out *progress) error {
	aptGet, err := exec.LookPath("apt-get")
	if err != nil {
		return errors.New(p.hint)
	}
	asRoot, err := rootCommand(ctx)
	if err != nil {
		return errors.New(p.hint)
	}
	started := time.Now()
	out.line("%s was not found; installing Debian's package %s%s", p.title, p.name, p.note)
	env := []string{"/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}
	steps := [][]string{
		append(env, aptGet, "-q", "update"),
		append(env, aptGet, "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold",
			"-o", "DPkg::Lock::Timeout=120", "install", p.name),
	}
	if p.before != "" {
		steps = append([][]string{{"/bin/sh", "-c", p.before}}, steps...)
	}
	var failed error
	for _, step := range steps {
		if failed = runQuietly(ctx, append(asRoot[:len(asRoot):len(asRoot)], step...), out); failed != nil {
			break
		}
	}
	if p.after != "" {
		after := append(asRoot[:len(asRoot):len(asRoot)], "/bin/sh", "-c", p.after)
		failed = errors.Join(failed, runQuietly(context.WithoutCancel(ctx), after, out))
	}
	if failed != nil {
		return fmt.Errorf("install %s: %w\n%s", p.title, failed, p.hint)
	}
	out.done(started, "%s installed", p.title)
	return nil
}

// rootCommand is what has to stand before a command so that root runs it.
func rootCommand(ctx context.Context) ([]string, error) {
	if os.Geteuid() == 0 {
		return nil, nil
	}
	sudo, err := exec.LookPath("sudo")
	if err != nil {
		return nil, err
	}
	return []string{sudo, "-n"}, exec.CommandContext(ctx, sudo, "-n", "true").Run()
}

// runQuietly runs a command whose output matters only when it fails.
func runQuietly(ctx context.Context, argv []string, out *progress) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	endWithGroup(cmd)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	stop := out.ticking(func(elapsed string) string { return "  " + elapsed + " " + strings.Join(argv, " ") })
	err := cmd.Run()
	stop()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.Join(lines[max(0, len(lines)-5):], "; "))
	}
	return nil
}
