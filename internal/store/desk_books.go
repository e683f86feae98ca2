package store

import (
	"context"
	"fmt"

	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// TenderBooks is the money of one tender so far, as the ledger has it: each of
// its entries was written together with what it tells of.
type TenderBooks struct {
	Attempt        int
	Channel        payment.Channel
	Captured       money.Money
	Returned       money.Money // by the channel
	ReturnedOnSite money.Money
	Held           money.Money // Captured less both
	Fee            money.Money // the channel's, less what it gave back
}

// selectBooks finds a payment's ledger transactions by their ids, which are
// made of what caused them (ledger.Transaction): the ledger has no index by
// payment, so as to cost a payment that nobody asks about nothing.
const selectBooks = `
SELECT a.attempt, a.channel, a.currency, t.kind, e.account, coalesce(sum(e.amount_fen), 0)::bigint AS sum
  FROM attempts a
  JOIN (SELECT attempt, payment_id || '/capture/' || attempt || '-' || channel_no AS id, 'capture' AS kind FROM captures WHERE payment_id = $1
        UNION ALL SELECT attempt, payment_id || '/refund/' || refund_no, 'refund' FROM refunds WHERE payment_id = $1
        UNION ALL SELECT attempt, payment_id || '/refund_offline/' || refund_no, 'refund_offline' FROM refunds WHERE payment_id = $1) AS t
    ON t.attempt = a.attempt
  JOIN ledger_entries e ON e.transaction_id = t.id AND e.currency = a.currency
 WHERE a.payment_id = $1
 GROUP BY a.attempt, a.channel, a.currency, t.kind, e.account ORDER BY a.attempt`

// tenderBooks are those of the tenders that money came in by.
func (s *Store) tenderBooks(ctx context.Context, paymentID string) ([]TenderBooks, error) {
	var rows []struct {
		Attempt  int             `db:"attempt"`
		Channel  payment.Channel `db:"channel"`
		Currency money.Currency  `db:"currency"`
		Kind     ledger.Kind     `db:"kind"`
		Account  ledger.Account  `db:"account"`
		Sum      int64           `db:"sum"`
	}
	if err := s.db.SelectContext(ctx, &rows, selectBooks, paymentID); err != nil {
		return nil, fmt.Errorf("read the ledger of %s: %w", paymentID, err)
	}
	var out []TenderBooks
	var captured, returned, onSite, fee int64
	for i, r := range rows {
		switch {
		case r.Account == ledger.FeeExpense(r.Channel):
			fee += r.Sum
		case r.Account != ledger.Registrations: // the other side of those below
		case r.Kind == ledger.Captured:
			captured -= r.Sum
		case r.Kind == ledger.Refunded:
			returned += r.Sum
		case r.Kind == ledger.RefundedOffline:
			onSite += r.Sum
		}
		if i+1 < len(rows) && rows[i+1].Attempt == r.Attempt {
			continue
		}
		m := func(fen int64) money.Money { return money.Minor(fen, r.Currency) }
		out = append(out, TenderBooks{Attempt: r.Attempt, Channel: r.Channel, Captured: m(captured), Returned: m(returned),
			ReturnedOnSite: m(onSite), Held: m(captured - returned - onSite), Fee: m(fee)})
		captured, returned, onSite, fee = 0, 0, 0, 0
	}
	return out, nil
}
