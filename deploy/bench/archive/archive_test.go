package archive_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/bench/archive"
)

// openCases are so few beside the decided ones that an index of all cases would
// read too many, and is the dearer one whatever statistics an autovacuum has
// left behind when the plan is made.
const openCases = 60

// Small books, whose plans are made as if they were large. Run itself makes
// sure that every copy can be read, that its audit log verifies, that the
// ledger balances, and that no number is there twice.
func TestSmallBooksAreMultipliedAndNoQueryReadsATableFromEndToEnd(t *testing.T) {
	var out bytes.Buffer
	plans := filepath.Join(t.TempDir(), "plans.txt")
	r, err := archive.Run(t.Context(), &out, archive.Options{Payments: 24_000, OpenCases: openCases, Hospitals: 6, Played: 5, Calls: 10, OnlyIndexes: true, PlansPath: plans,
		Local: t.TempDir(), PostgresSettings: map[string]string{"fsync": "off", "full_page_writes": "off"}})
	require.NoError(t, err, out.String())
	require.Equal(t, 24_000, r.Payments)
	require.Equal(t, openCases, r.OpenCases)
	require.Len(t, r.Hospitals, 6)
	require.Greater(t, r.Hospitals[0], 10*r.Hospitals[5])
	text, err := os.ReadFile(plans)
	require.NoError(t, err)
	for _, q := range r.Queries {
		require.Contains(t, string(text), "== "+q.Name+"\n")
		require.Empty(t, q.SeqScans, q.Name)
		require.Less(t, q.Discarded, int64(100), "%s reads rows in vain", q.Name)
	}
	require.NotEmpty(t, r.Console)
	for _, q := range r.Console {
		require.Contains(t, string(text), "== "+q.Name+"\n")
		require.Empty(t, q.SeqScans, q.Name)
		// The tabs of the queue are parts of the index of the open cases, which is
		// read once for each hospital; a plan rounds the mean of these loops.
		require.LessOrEqual(t, q.Discarded, int64(r.OpenCases+len(r.Hospitals)/2), "%s reads rows in vain", q.Name)
	}
	names := map[string]bool{}
	for _, p := range r.Pages {
		names[p.Name] = true
		require.Positive(t, p.Rows, "%s is empty", p.Name)
	}
	for _, who := range []string{"all hospitals", "the largest hospital", "a small hospital"} {
		for _, page := range []string{"queue", "case, open", "find, by order", "payment", "overview, 90 days"} {
			require.Contains(t, names, "page: "+page+", "+who)
		}
	}
	require.Contains(t, out.String(), "pages of the review console")
}
