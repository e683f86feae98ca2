package store

import (
	"context"
	"fmt"

	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Balances are the sums of accounts in minor units by currency, debits
// positive. Accounts are named over all hospitals, as ledger.Account.Of does.
type Balances map[money.Currency]map[ledger.Account]int64

// Balanced says whether debits and credits are equal in every currency.
func (b Balances) Balanced() bool {
	for _, accounts := range b {
		var sum int64
		for _, fen := range accounts {
			sum += fen
		}
		if sum != 0 {
			return false
		}
	}
	return true
}

// TrialBalance sums every account of the ledger.
func (s *Store) TrialBalance(ctx context.Context) (Balances, error) {
	var rows []struct {
		Hospital string         `db:"hospital_id"`
		Account  ledger.Account `db:"account"`
		Currency money.Currency `db:"currency"`
		Sum      int64          `db:"sum"`
	}
	const read = `
SELECT hospital_id, account, currency, sum(amount_fen)::bigint AS sum FROM ledger_entries
 GROUP BY hospital_id, account, currency`
	if err := s.db.SelectContext(ctx, &rows, read); err != nil {
		return nil, fmt.Errorf("sum the ledger: %w", err)
	}
	out := Balances{}
	for _, r := range rows {
		if out[r.Currency] == nil {
			out[r.Currency] = map[ledger.Account]int64{}
		}
		out[r.Currency][r.Account.Of(r.Hospital)] = r.Sum
	}
	return out, nil
}

// Unbalanced lists up to a hundred ledger transactions that do not sum to zero
// or have no entries. The database refuses to write such (I7): any is a sign
// that somebody went around it.
func (s *Store) Unbalanced(ctx context.Context) ([]string, error) {
	var out []string
	const read = `
SELECT DISTINCT id FROM (
    SELECT coalesce(t.id, e.transaction_id) AS id
      FROM ledger_transactions t FULL JOIN ledger_entries e ON e.transaction_id = t.id
     GROUP BY t.id, e.transaction_id, e.currency
    HAVING t.id IS NULL OR count(e.line) < 2 OR sum(e.amount_fen) <> 0) AS bad
 ORDER BY id LIMIT 100`
	if err := s.db.SelectContext(ctx, &out, read); err != nil {
		return nil, fmt.Errorf("look for unbalanced transactions: %w", err)
	}
	return out, nil
}

// ChannelTotals sums what each channel captured and refunded for each hospital,
// from the ledger's entries, to be compared with the channel's own books.
func (s *Store) ChannelTotals(ctx context.Context) ([]ChannelTotal, error) {
	var rows []struct {
		Hospital string          `db:"hospital_id"`
		Channel  payment.Channel `db:"channel"`
		Currency money.Currency  `db:"currency"`
		Captured int64           `db:"captured"`
		Refunded int64           `db:"refunded"`
	}
	const read = `
SELECT e.hospital_id, t.channel, e.currency,
       coalesce(sum(e.amount_fen) FILTER (WHERE t.kind = 'capture'), 0)::bigint AS captured,
       coalesce(-sum(e.amount_fen) FILTER (WHERE t.kind = 'refund'), 0)::bigint AS refunded
  FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
 WHERE e.account = 'receivable/' || t.channel
 GROUP BY e.hospital_id, t.channel, e.currency ORDER BY e.hospital_id, t.channel, e.currency`
	if err := s.db.SelectContext(ctx, &rows, read); err != nil {
		return nil, fmt.Errorf("sum the channels: %w", err)
	}
	out := make([]ChannelTotal, len(rows))
	for i, r := range rows {
		out[i] = ChannelTotal{HospitalID: r.Hospital, Channel: r.Channel,
			Captured: money.Minor(r.Captured, r.Currency), Refunded: money.Minor(r.Refunded, r.Currency)}
	}
	return out, nil
}
