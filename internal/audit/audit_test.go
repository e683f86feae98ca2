package audit_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/audit"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 123456789, time.FixedZone("CST", 8*3600))

func logOf(n int) ([]audit.Record, audit.Head) {
	head := audit.Start("pay_x")
	var records []audit.Record
	for i := range n {
		var r audit.Record
		r, head = head.Append(audit.Record{Subject: "pay_x", At: noon.Add(time.Duration(i) * time.Second), Actor: "workflow",
			Action: "moved", Detail: map[string]string{"n": fmt.Sprint(i), "status": "paid"}})
		records = append(records, r)
	}
	return records, head
}

func TestALogThatNobodyTouchedIsWhole(t *testing.T) {
	for _, n := range []int{0, 1, 5} {
		records, head := logOf(n)
		require.NoError(t, audit.Verify("pay_x", records, head))
		require.EqualValues(t, n, head.Seq)
		require.Len(t, head.Hash, audit.HashSize)
	}
}

func TestAnyChangeBreaksTheChain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(rt, "n")
		records, head := logOf(n)
		i := rapid.IntRange(0, n-1).Draw(rt, "i")
		r := &records[i]
		switch rapid.SampledFrom([]string{"actor", "action", "time", "detail", "key", "more", "less", "hash", "prev", "drop",
			"swap", "repeat", "seq", "subject"}).Draw(rt, "change") {
		case "actor":
			r.Actor += "x"
		case "action":
			r.Action = ""
		case "time":
			r.At = r.At.Add(time.Microsecond)
		case "detail":
			r.Detail = maps.Clone(r.Detail)
			r.Detail["status"] = "refunded"
		case "key":
			r.Detail = map[string]string{"n": r.Detail["n"], "statu": "spaid"}
		case "more":
			r.Detail = maps.Clone(r.Detail)
			r.Detail["z"] = ""
		case "less":
			r.Detail = map[string]string{"n": r.Detail["n"]}
		case "hash":
			r.Hash = slices.Clone(r.Hash)
			r.Hash[0] ^= 1
		case "prev":
			r.Prev = slices.Clone(r.Prev)
			r.Prev[0] ^= 1
		case "drop":
			records = slices.Delete(records, i, i+1)
		case "swap":
			j := (i + 1) % n
			records[i], records[j] = records[j], records[i]
		case "repeat":
			records = slices.Insert(records, i, records[i])
		case "seq":
			r.Seq++
		case "subject":
			r.Subject = "pay_y"
		}
		require.ErrorIs(rt, audit.Verify("pay_x", records, head), audit.ErrBroken)
	})
}

func TestAChainIsItsSubjectsOwn(t *testing.T) {
	records, head := logOf(2)
	for i := range records {
		records[i].Subject = "pay_y"
	}
	require.ErrorIs(t, audit.Verify("pay_y", records, head), audit.ErrBroken)
	require.NotEqual(t, audit.Start("pay_x").Hash, audit.Start("pay_y").Hash)
}

func TestCanonicalBytesTellContentsApart(t *testing.T) {
	base := audit.Record{Subject: "s", Actor: "ab", Action: "c", At: noon}
	moved := audit.Record{Subject: "s", Actor: "a", Action: "bc", At: noon}
	require.NotEqual(t, base.Canonical(), moved.Canonical())
	a := audit.Record{Detail: map[string]string{"a": "b", "c": "d"}}
	b := audit.Record{Detail: map[string]string{"a": "d", "c": "b"}}
	require.NotEqual(t, a.Canonical(), b.Canonical())
	same := base
	same.At = noon.UTC().Add(time.Nanosecond * 200)
	require.Equal(t, base.Canonical(), same.Canonical(), "the zone and less than a microsecond do not count")
}
