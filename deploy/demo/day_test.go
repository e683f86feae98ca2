package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fewOfEach picks the first registrations of every kind from the file, so that
// a day of minutes has all that the long one has.
func fewOfEach(t *testing.T) string {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(written)).ReadAll()
	require.NoError(t, err)
	kept := [][]string{lines[0]}
	seen := map[string]bool{}
	for i, r := range theFile(t) {
		kinds := []string{string(r.Behaviour) + "/" + string(r.Choice.Method), "expected " + string(r.Expected[0]) + "/" + string(r.Choice.Method),
			"insurance " + string(r.Insurance), "verify " + string(r.Verify), "scene " + string(r.Choice.Scene)}
		fresh := false
		for _, k := range kinds {
			fresh = fresh || !seen[k]
			seen[k] = true
		}
		if fresh {
			kept = append(kept, lines[i+1])
		}
	}
	path := filepath.Join(t.TempDir(), "few.csv")
	var b bytes.Buffer
	require.NoError(t, csv.NewWriter(&b).WriteAll(kept))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

func TestADayEndsAsItsFileSaysAndAllBooksAgree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary.json")
	var out bytes.Buffer
	ok, err := run(t.Context(), options{File: fewOfEach(t), Summary: path, AtOnce: 32, Pace: 50 * time.Millisecond}, &out)
	require.NoError(t, err, out.String())
	require.True(t, ok, out.String())

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var s summary
	require.NoError(t, json.Unmarshal(text, &s))
	require.True(t, s.OK)
	require.Len(t, s.Checks, 5)
	require.Empty(t, s.Unexpected)
	require.Equal(t, s.Rows, s.Ways[len(s.Ways)-1].Started)
	for _, w := range s.Ways {
		require.Positive(t, w.Completed, w.Way)
		require.Equal(t, w.Completed+w.Refunded+w.Closed+w.Rejected, w.Started, w.Way)
		require.Positive(t, w.Capture.N, w.Way)
	}
	picture, err := os.Open(s.Addresses.VoucherPNG)
	require.NoError(t, err)
	defer picture.Close()
	_, err = png.Decode(picture)
	require.NoError(t, err)
	require.Contains(t, out.String(), "✓ the ledger equals every channel's own books")
}

func TestAnInterruptedDayIsStoppedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &watcher{word: "Playing", then: cancel}
	ok, err := run(ctx, options{AtOnce: 8, Pace: 10 * time.Millisecond}, out)
	require.False(t, ok)
	require.ErrorIs(t, err, context.Canceled)
}

// watcher calls then once a word was printed.
type watcher struct {
	word string
	then func()
}

func (w *watcher) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.word)) {
		w.then()
	}
	return len(p), nil
}

func TestAWrongFileIsRefusedBeforeAnythingIsStarted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wrong.csv")
	require.NoError(t, os.WriteFile(path, []byte("no\n"), 0o600))
	_, err := run(t.Context(), options{File: path}, &bytes.Buffer{})
	require.ErrorContains(t, err, "columns")
}

func TestKeepIsOnForAnyValueThatIsNotNo(t *testing.T) {
	for value, want := range map[string]bool{"": false, "0": false, "false": false, "1": true, "yes": true} {
		require.Equal(t, want, options{Keep: value}.keep(), value)
	}
}
