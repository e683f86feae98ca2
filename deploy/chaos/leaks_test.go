package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/chaos/check"
)

func TestATraceOfAPatientIsFoundWhereverItStands(t *testing.T) {
	all := draw(usual()).Payments
	find := tracesOf(all)
	p := all[17].Person
	for what, text := range p.Traces() {
		require.Contains(t, find.in("… {\"x\":\""+text+"\"} …"), what)
		require.Contains(t, find.in("\x00\xff"+text), what, "between bytes of another kind")
		require.Empty(t, find.in(text[:len(text)-1]), "a part of it proves nothing")
	}
	require.Empty(t, find.in(""))
	require.Empty(t, find.in("a log without anybody"))
	require.Len(t, find.in(p.Name+p.Phone+p.Name), 2)
}

func TestTheSandboxsLogTellsWhatWasAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.log")
	require.NoError(t, os.WriteFile(path, []byte(`time=2026-01-01T00:00:00Z level=DEBUG msg="notification acknowledged" counterparty=wechat kind=TRANSACTION.SUCCESS id=n1 attempt=1
time=2026-01-01T00:00:00Z level=DEBUG msg="notification acknowledged" counterparty=unionpay kind=paid id=n2 attempt=1
time=2026-01-01T00:00:00Z level=INFO msg="notification not acknowledged" counterparty=wechat kind=x id=n3 attempt=1 err=<nil>
time=2026-01-01T00:00:00Z level=WARN msg="a forged notification was acknowledged" counterparty=unionpay kind=paid id=n4`), 0o600))
	thanked, believed, err := notices(path)
	require.NoError(t, err)
	require.Equal(t, []check.Notice{{Channel: "wechat", ID: "n1", Kind: "TRANSACTION.SUCCESS"}}, thanked)
	require.Equal(t, []check.Notice{{Channel: "unionpay", ID: "n4", Kind: "paid"}}, believed)
}
