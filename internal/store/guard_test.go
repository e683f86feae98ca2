package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/audit"
)

func TestLedgerAndAuditAreAppendOnly(t *testing.T) {
	b := newBooks(t)
	b.pay(t, "ORDER0001", 5000)
	for _, table := range []string{"ledger_transactions", "ledger_entries", "audit"} {
		for _, statement := range []string{"DELETE FROM " + table, "TRUNCATE " + table} {
			_, err := b.db.ExecContext(t.Context(), statement)
			require.ErrorContains(t, err, "append-only", statement)
		}
	}
	for _, statement := range []string{
		"UPDATE ledger_transactions SET kind = 'refund'",
		"UPDATE ledger_entries SET amount_fen = amount_fen * 2",
		"UPDATE audit SET actor = 'nobody'",
	} {
		_, err := b.db.ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, "append-only", statement)
	}
}

func TestTheDatabaseRefusesALedgerTransactionThatDoesNotBalance(t *testing.T) {
	b := newBooks(t)
	b.pay(t, "ORDER0001", 5000)
	const head = "INSERT INTO ledger_transactions (id, payment_id, hospital_id, kind, channel, at) VALUES ('t', 'p', 'h', 'capture', 'wechat', now())"
	entry := func(id, line, currency, fen string) string {
		return "INSERT INTO ledger_entries (transaction_id, line, hospital_id, account, currency, amount_fen) VALUES ('" +
			id + "', " + line + ", 'h', 'a', '" + currency + "', " + fen + ")"
	}
	old := one[string](t, b, "SELECT id FROM ledger_transactions")
	for name, statements := range map[string][]string{
		"sums to something":        {head, entry("t", "1", "CNY", "5"), entry("t", "2", "CNY", "-4")},
		"balances over currencies": {head, entry("t", "1", "CNY", "5"), entry("t", "2", "USD", "-5")},
		"has no entries":           {head},
		"entries of nothing":       {entry("t", "1", "CNY", "5"), entry("t", "2", "CNY", "-5")},
		"added to an old one":      {entry(old, "11", "CNY", "5"), entry(old, "12", "CNY", "-5")},
		"an entry of zero":         {head, entry("t", "1", "CNY", "0"), entry("t", "2", "CNY", "0")},
	} {
		tx, err := b.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		for _, s := range statements {
			if _, err = tx.ExecContext(t.Context(), s); err != nil {
				break
			}
		}
		if err == nil {
			err = tx.Commit()
		}
		require.Error(t, err, name)
		_ = tx.Rollback()
	}
	require.EqualValues(t, 4, one[int64](t, b, "SELECT count(*) FROM ledger_entries"))

	tx, err := b.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	for _, s := range []string{head, entry("t", "1", "CNY", "5"), entry("t", "2", "CNY", "-5")} {
		_, err = tx.ExecContext(t.Context(), s)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit(), "a balanced one is taken, also in several statements")
}

func TestTamperingIsFound(t *testing.T) {
	for name, statement := range map[string]string{
		"an actor":             "UPDATE audit SET actor = 'somebody' WHERE seq = 2",
		"a detail":             `UPDATE audit SET detail = detail || '{"amount_fen":"1"}' WHERE seq = 3`,
		"a time":               "UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 1",
		"a record dropped":     "DELETE FROM audit WHERE seq = 2",
		"the end cut off":      "DELETE FROM audit WHERE seq = 3",
		"everything cut off":   "DELETE FROM audit",
		"two records swapped":  "UPDATE audit SET seq = CASE seq WHEN 1 THEN -2 ELSE -1 END WHERE seq < 3; UPDATE audit SET seq = -seq WHERE seq < 0",
		"a hash":               `UPDATE audit SET hash = '\x00' WHERE seq = 3`,
		"the payment's status": "UPDATE payments SET status = 'refunded'",
		"the payment's end":    "UPDATE payments SET audit_seq = 2",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBooks(t)
			id := b.pay(t, "ORDER0001", 5000)
			require.NoError(t, b.VerifyAudit(t.Context(), id))
			for page := 1; page <= 4; page++ {
				require.NoError(t, b.VerifyByPages(t.Context(), id, page), "read %d at a time", page)
			}
			_, err := b.db.ExecContext(t.Context(), "ALTER TABLE audit DISABLE TRIGGER ALL; "+statement)
			require.NoError(t, err)
			require.ErrorIs(t, b.VerifyAudit(t.Context(), id), audit.ErrBroken)
			for page := 1; page <= 4; page++ {
				require.ErrorIs(t, b.VerifyByPages(t.Context(), id, page), audit.ErrBroken, "read %d at a time", page)
			}
		})
	}
}

func TestGoingAroundTheLedgersGuardsIsFound(t *testing.T) {
	b := newBooks(t)
	b.pay(t, "ORDER0001", 5000)
	bad, err := b.Unbalanced(t.Context())
	require.NoError(t, err)
	require.Empty(t, bad)
	_, err = b.db.ExecContext(t.Context(), `ALTER TABLE ledger_entries DISABLE TRIGGER ALL;
		UPDATE ledger_entries SET amount_fen = amount_fen + 1 WHERE line = 1;
		INSERT INTO ledger_entries VALUES ('orphan', 1, 'h', 'a', 'CNY', 5), ('orphan', 2, 'h', 'a', 'CNY', -5)`)
	require.NoError(t, err)
	bad, err = b.Unbalanced(t.Context())
	require.NoError(t, err)
	require.Len(t, bad, 2)
	balances, err := b.TrialBalance(t.Context())
	require.NoError(t, err)
	require.False(t, balances.Balanced())
}
