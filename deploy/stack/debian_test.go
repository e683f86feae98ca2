package stack

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeDebian puts programs first in PATH that write down how they were called.
func fakeDebian(t *testing.T, exit string) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	for name, text := range map[string]string{
		"apt-get": "#!/bin/sh\necho \"apt-get $*\" >> '" + log + "'\nexit " + exit + "\n",
		"sudo":    "#!/bin/sh\nshift\nexec \"$@\"\n", // sudo -n …
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() string {
		text, err := os.ReadFile(log)
		require.NoError(t, err)
		return string(text)
	}
}

func TestAPackageIsInstalledBetweenWhatBelongsBeforeAndAfter(t *testing.T) {
	calls := fakeDebian(t, "0")
	mark := filepath.Join(t.TempDir(), "mark")
	var out bytes.Buffer
	p := debianPackage{name: "thing", title: "Thing", note: " (a part)", hint: "help yourself",
		before: "echo before > '" + mark + "'", after: "echo after >> '" + mark + "'"}
	require.NoError(t, p.install(t.Context(), newProgress(&out)))
	require.Contains(t, calls(), "apt-get -q update\n")
	require.Contains(t, calls(), "--no-install-recommends")
	require.Contains(t, calls(), "install thing\n")
	text, err := os.ReadFile(mark)
	require.NoError(t, err)
	require.Equal(t, "before\nafter\n", string(text))
	require.Contains(t, out.String(), "Thing was not found; installing Debian's package thing (a part)")
}

func TestAnInstallationThatFailsIsTidiedUpAndTellsWhatToDo(t *testing.T) {
	fakeDebian(t, "7")
	mark := filepath.Join(t.TempDir(), "mark")
	p := debianPackage{name: "thing", title: "Thing", hint: "help yourself", after: "echo after > '" + mark + "'"}
	err := p.install(t.Context(), newProgress(nil))
	require.ErrorContains(t, err, "install Thing")
	require.ErrorContains(t, err, "help yourself")
	require.FileExists(t, mark)
}
