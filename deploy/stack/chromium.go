package stack

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
)

// chromiumHint is the one sentence for people whose machine cannot be helped.
const chromiumHint = "no Chromium was found: install it (Debian: apt-get install chromium; Fedora: dnf install chromium; " +
	"macOS: brew install --cask chromium), or name Chromium's or Chrome's program in REGPAY_CHROMIUM"

// namesOfChromium are its programs in PATH, and then where it is on systems that
// put it elsewhere.
func namesOfChromium() []string {
	return []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
		"/usr/lib/chromium/chromium", "/usr/lib64/chromium-browser/chromium-browser", "/opt/google/chrome/chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	}
}

// FindChromium answers with the path of a Chromium or Chrome for tests that
// need a browser: of REGPAY_CHROMIUM, else in PATH and the usual places. Where
// there is none, Debian's package is installed if that can be done without
// asking anybody. Lines for people go to out, which can be nil.
func FindChromium(ctx context.Context, out io.Writer) (string, error) {
	if named := os.Getenv("REGPAY_CHROMIUM"); named != "" {
		return exec.LookPath(named)
	}
	if path, err := findChromium(namesOfChromium()); err == nil {
		return path, nil
	}
	if err := (debianPackage{name: "chromium", title: "Chromium", hint: chromiumHint}).install(ctx, newProgress(out)); err != nil {
		return "", err
	}
	return findChromium(namesOfChromium())
}

// findChromium looks for the first of some programs that is there.
func findChromium(names []string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New(chromiumHint)
}
