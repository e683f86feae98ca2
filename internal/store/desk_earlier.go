package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// mostEarlier is how many earlier payments of a patient are shown.
const mostEarlier = 20

// Earlier is a payment of a patient who had trouble before.
type Earlier struct {
	PaymentID string
	OrderNo   string
	CreatedAt time.Time
	Status    payment.Status
	Amount    money.Money
	Captured  money.Money
	Refunded  money.Money
	Cases     []EarlierCase // oldest first
}

// EarlierCase is what was asked about such a payment, and what was decided.
type EarlierCase struct {
	ID        string
	Reason    payment.Reason
	OpenedAt  time.Time
	DecidedAt time.Time // zero while it is open
	Verdict   payment.Verdict
	Operator  string
}

type earlierRow struct {
	PaymentID string          `db:"payment_id"`
	OrderNo   string          `db:"order_no"`
	CreatedAt time.Time       `db:"created_at"`
	Status    payment.Status  `db:"status"`
	Currency  money.Currency  `db:"currency"`
	Amount    int64           `db:"amount_fen"`
	Captured  int64           `db:"captured_fen"`
	Refunded  int64           `db:"refunded_fen"`
	CaseID    string          `db:"id"`
	Reason    payment.Reason  `db:"reason"`
	OpenedAt  time.Time       `db:"opened_at"`
	DecidedAt sql.NullTime    `db:"decided_at"`
	Verdict   payment.Verdict `db:"verdict"`
	Operator  string          `db:"operator"`
}

// selectEarlier goes from the patient's requests to their cases, one look into
// an index for each; the lateral joins leave no other way.
const selectEarlier = `
SELECT q.payment_id, q.order_no, q.created_at, p.status, p.currency, p.amount_fen, p.captured_fen, p.refunded_fen,
       c.id, c.reason, c.opened_at, c.decided_at, c.verdict, c.operator
  FROM (SELECT r.payment_id, r.order_no, r.created_at
          FROM requests own
          CROSS JOIN LATERAL (SELECT payment_id, order_no, created_at FROM requests
                               WHERE hospital_id = own.hospital_id AND patient_index = own.patient_index
                                 AND created_at <= own.created_at AND payment_id <> own.payment_id
                               ORDER BY created_at DESC LIMIT 500) AS r
          CROSS JOIN LATERAL (SELECT FROM cases WHERE payment_id = r.payment_id LIMIT 1) AS had
         WHERE own.payment_id = $1
         ORDER BY r.created_at DESC, r.payment_id DESC LIMIT $2) AS q
  JOIN payments p ON p.id = q.payment_id
  CROSS JOIN LATERAL (SELECT * FROM cases WHERE payment_id = q.payment_id ORDER BY opened_at, id LIMIT 99) AS c
 ORDER BY q.created_at DESC, q.payment_id DESC, c.opened_at, c.id`

// EarlierOf lists the payments of the same patient at the same hospital that
// began no later than this one and had cases, the newest first, at most twenty.
// Of an unknown payment there are none.
func (s *Store) EarlierOf(ctx context.Context, paymentID string) ([]Earlier, error) {
	var rows []earlierRow
	if err := s.db.SelectContext(ctx, &rows, selectEarlier, paymentID, mostEarlier); err != nil {
		return nil, fmt.Errorf("read the payments before %.80q: %w", paymentID, err)
	}
	var out []Earlier
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].PaymentID != r.PaymentID {
			m := func(fen int64) money.Money { return money.Minor(fen, r.Currency) }
			out = append(out, Earlier{PaymentID: r.PaymentID, OrderNo: r.OrderNo, CreatedAt: r.CreatedAt.UTC(), Status: r.Status,
				Amount: m(r.Amount), Captured: m(r.Captured), Refunded: m(r.Refunded)})
		}
		last := &out[len(out)-1]
		last.Cases = append(last.Cases, EarlierCase{ID: r.CaseID, Reason: r.Reason, OpenedAt: r.OpenedAt.UTC(), DecidedAt: utc(r.DecidedAt),
			Verdict: r.Verdict, Operator: r.Operator})
	}
	return out, nil
}
