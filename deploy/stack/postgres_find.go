package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
)

// installHint is the one sentence for people whose machine cannot be helped.
const installHint = "PostgreSQL 12 or later is needed and was not found: install it " +
	"(Debian and Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql@17), " +
	"or name a running server in DATABASE_URL"

// oldestPostgres is what Temporal's postgres12 schema asks for.
const oldestPostgres = 12

// pgInstall is a PostgreSQL installation.
type pgInstall struct {
	bin   string // folder with initdb and postgres
	major int
}

// placesOfPostgres are folders where distributions put the server's programs,
// most of which are in nobody's PATH.
func placesOfPostgres() []string {
	patterns := []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                   // PGDG's packages for Fedora and RHEL
		"/usr/libexec/postgresql*",           // Alpine
		"/usr/local/pgsql/bin",               // built from source
		"/opt/homebrew/opt/postgresql*/bin",  // Homebrew on ARM
		"/usr/local/opt/postgresql*/bin",     // Homebrew on Intel
		"/opt/local/lib/postgresql*/bin",     // MacPorts
		"/Applications/Postgres.app/*/*/bin", // Postgres.app
		"/usr/bin", "/usr/local/bin",
	}
	var dirs []string
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	return dirs
}

// findPostgres looks in REGPAY_POSTGRES_BIN, in PATH, and then for the newest
// version in the usual places.
func findPostgres(ctx context.Context) (pgInstall, error) {
	if dir := os.Getenv("REGPAY_POSTGRES_BIN"); dir != "" {
		return inspectPostgres(ctx, dir)
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if found, err := inspectPostgres(ctx, dir); err == nil {
			return found, nil
		}
	}
	var all []pgInstall
	for _, dir := range placesOfPostgres() {
		if found, err := inspectPostgres(ctx, dir); err == nil {
			all = append(all, found)
		}
	}
	if len(all) == 0 {
		return pgInstall{}, errors.New(installHint)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].major > all[j].major })
	return all[0], nil
}

var postgresVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspectPostgres says which version, if a usable one, a folder holds.
func inspectPostgres(ctx context.Context, dir string) (pgInstall, error) {
	// Links in PATH are followed: the server finds its own files by its path.
	server, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return pgInstall{}, fmt.Errorf("no postgres in %s: %w", dir, err)
	}
	bin := filepath.Dir(server)
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return pgInstall{}, fmt.Errorf("no initdb beside %s: %w", server, err)
	}
	out, err := exec.CommandContext(ctx, server, "--version").Output()
	m := postgresVersion.FindSubmatch(out)
	if err != nil || m == nil {
		return pgInstall{}, fmt.Errorf("ask %s for its version: %q: %w", server, bytes.TrimSpace(out), errors.Join(err, errors.ErrUnsupported))
	}
	major, _ := strconv.Atoi(string(m[1]))
	if major < oldestPostgres {
		return pgInstall{}, fmt.Errorf("%s is version %d: version %d or later is needed", server, major, oldestPostgres)
	}
	return pgInstall{bin: bin, major: major}, nil
}

// dropIn keeps Debian's packages from making and starting a cluster of their
// own while they are installed: the stack needs the programs alone.
const dropIn = "/etc/postgresql-common/createcluster.d/regpay-no-main-cluster.conf"

// installPostgres installs Debian's package where that can be done without
// asking anybody, and then looks again.
func installPostgres(ctx context.Context, out *progress) (pgInstall, error) {
	err := debianPackage{
		name: "postgresql", title: "PostgreSQL", note: " (programs only, no cluster)", hint: installHint,
		before: "mkdir -p '" + filepath.Dir(dropIn) + "' && echo 'create_main_cluster = false' > '" + dropIn + "'",
		// The machine's owner may want Debian's own behaviour back later.
		after: "rm -f '" + dropIn + "'",
	}.install(ctx, out)
	if err != nil {
		return pgInstall{}, err
	}
	return findPostgres(ctx)
}
