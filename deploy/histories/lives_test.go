package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
)

const kept = "../../workflows/testdata/histories"

func TestALifeIsNamedByItsOrder(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range lives() {
		require.Regexp(t, regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`), l.name)
		require.Regexp(t, regexp.MustCompile(`^[0-9A-Z]{6,24}$`), l.orderNo(), "an order number as the API takes it")
		require.False(t, seen[l.orderNo()], "%s is there twice", l.name)
		seen[l.orderNo()] = true
		require.NotEmpty(t, l.steps, l.name)
	}
}

func TestAFileIsNamedAfterItsWorkflow(t *testing.T) {
	l := life{name: "refunded", keeps: []string{"refund-12", "stray"}}
	require.Equal(t, []string{"refunded.json", "refunded.refund-12.json", "refunded.stray.json"}, l.files())
	for id, file := range map[string]string{
		"payment/h-renmin/HREFUNDED":              "refunded.json",
		"refund/h-renmin/HREFUNDED/12":            "refunded.refund-12.json",
		"stray/unionpay/302611231135540000000001": "refunded.stray.json",
	} {
		require.Equal(t, file, fileOf(l, id))
	}
}

func TestALifesPatientIsInventedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range lives() {
		p := l.person()
		require.Equal(t, p, l.person())
		require.True(t, payment.ValidIDCard(p.IDNumber), l.name)
		require.Len(t, p.Phone, 11, l.name)
		require.False(t, seen[p.IDNumber], "the risk rules count by person")
		seen[p.IDNumber] = true
	}
}

// Who adds a life records it; who takes one away records too.
func TestEveryLifeIsRecordedAndNothingElse(t *testing.T) {
	var want, got []string
	for _, l := range lives() {
		want = append(want, l.files()...)
	}
	paths, err := filepath.Glob(filepath.Join(kept, "*.json"))
	require.NoError(t, err)
	for _, path := range paths {
		got = append(got, filepath.Base(path))
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got, "run: make histories")
}

func TestOnlyAWholeRecordingReplacesAnotherOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "histories")
	require.NoError(t, replace(dir, map[string][]byte{"a.json": []byte("1"), "b.json": []byte("2")}))
	require.NoError(t, replace(dir, map[string][]byte{"b.json": []byte("3")}))
	require.NoFileExists(t, filepath.Join(dir, "a.json"))
	text, err := os.ReadFile(filepath.Join(dir, "b.json"))
	require.NoError(t, err)
	require.Equal(t, "3", string(text))
}
