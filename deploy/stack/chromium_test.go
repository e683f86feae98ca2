package stack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func program(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700))
	return path
}

func TestTheBrowserThatIsNamedIsTaken(t *testing.T) {
	dir := t.TempDir()
	program(t, dir, "chromium")
	named := program(t, dir, "my-browser")
	t.Setenv("PATH", dir)
	t.Setenv("REGPAY_CHROMIUM", named)
	path, err := FindChromium(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, named, path)
	t.Setenv("REGPAY_CHROMIUM", filepath.Join(dir, "missing"))
	_, err = FindChromium(t.Context(), nil)
	require.Error(t, err, "one that is named wrongly is not replaced in silence")
}

func TestChromiumIsFoundUnderAnyOfItsNames(t *testing.T) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		dir := t.TempDir()
		want := program(t, dir, name)
		t.Setenv("PATH", dir)
		t.Setenv("REGPAY_CHROMIUM", "")
		path, err := FindChromium(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, want, path)
	}
}

func TestAMachineThatCannotBeHelpedIsToldWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no apt-get either
	_, err := findChromium([]string{"chromium"})
	require.EqualError(t, err, chromiumHint)
	err = debianPackage{name: "nothing", title: "Nothing", hint: "install it yourself"}.install(t.Context(), newProgress(nil))
	require.EqualError(t, err, "install it yourself")
}
