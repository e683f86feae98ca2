package compose_test

import (
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// makeSecrets runs the script as a person does.
func makeSecrets(t *testing.T, dir string, hospitals ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"./init-secrets.sh"}, hospitals...)...)
	cmd.Env = append(os.Environ(), "SECRETS_DIR="+dir)
	said, err := cmd.CombinedOutput()
	return string(said), err
}

func secret(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return strings.TrimSuffix(string(text), "\n")
}

func TestTheScriptMakesEverySecretOfTheComposeFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	said, err := makeSecrets(t, dir, "ren-he", "an-kang")
	require.NoError(t, err, said)
	p := load(t, "docker-compose.yml")
	seen := map[string]string{}
	for name := range p.Secrets {
		value := secret(t, dir, name)
		require.GreaterOrEqual(t, len(value), 32, name)
		require.Empty(t, seen[value], "%s and %s are the same", name, seen[value])
		require.NotContains(t, said, value, "a secret is on the screen")
		seen[value] = name
	}
	// Folders that are mounted whole.
	for _, s := range p.Services {
		for _, m := range s.Volumes {
			if m.Type == "bind" && strings.HasPrefix(m.Source, "./deploy/compose/secrets/") {
				require.DirExists(t, filepath.Join(dir, filepath.Base(m.Source)))
			}
		}
	}
	for _, key := range []string{"keys/k1", "regpay_index_key"} {
		raw, err := hex.DecodeString(secret(t, dir, key))
		require.NoError(t, err, key)
		require.Len(t, raw, 16, key)
	}
	dsn, err := url.Parse(secret(t, dir, "regpay_dsn"))
	require.NoError(t, err)
	password, _ := dsn.User.Password()
	require.Equal(t, secret(t, dir, "regpay_db_password"), password)
	require.Equal(t, "postgres:5432", dsn.Host)
	require.NotEqual(t, secret(t, dir, "hospitals/ren-he/callback_secret"), secret(t, dir, "hospitals/an-kang/callback_secret"))
}

func TestOnlyTheOwnerReachesTheSecretsAndContainersCanReadThem(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	said, err := makeSecrets(t, dir, "ren-he")
	require.NoError(t, err, said)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		switch {
		case path == dir:
			require.Equal(t, fs.FileMode(0o700), info.Mode().Perm(), path)
		case d.IsDir():
			require.Equal(t, fs.FileMode(0o755), info.Mode().Perm(), path)
		default:
			require.Equal(t, fs.FileMode(0o444), info.Mode().Perm(), path)
		}
		return nil
	}))
}

func TestRunningTheScriptAgainChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	said, err := makeSecrets(t, dir)
	require.NoError(t, err, said)
	read := func() map[string]string {
		all := map[string]string{}
		require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
			require.NoError(t, err)
			if !d.IsDir() {
				all[path] = secret(t, dir, path)
			}
			return nil
		}))
		return all
	}
	before := read()
	said, err = makeSecrets(t, dir, "ren-he")
	require.NoError(t, err, said)
	after := read()
	require.Contains(t, after, "hospitals/ren-he/callback_secret")
	delete(after, "hospitals/ren-he/callback_secret")
	require.Equal(t, before, after)
}

func TestAHospitalsIDCannotLeaveTheFolder(t *testing.T) {
	for _, id := range []string{"../x", "a/b", "REN", "", "-x", "x y"} {
		dir := filepath.Join(t.TempDir(), "secrets")
		said, err := makeSecrets(t, dir, id)
		require.Error(t, err, id)
		require.Contains(t, said, "not a hospital id", id)
	}
}

func TestTheScriptsAreShell(t *testing.T) {
	for _, script := range []string{"init-secrets.sh", "temporal/schema.sh", "postgres/10-databases.sh"} {
		said, err := exec.CommandContext(t.Context(), "sh", "-n", script).CombinedOutput()
		require.NoError(t, err, "%s: %s", script, said)
		info, err := os.Stat(script)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o111, script)
	}
}
