package store

import (
	"database/sql"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/voucher"
)

// endsVoucher says whether a payment's status makes its voucher worth nothing.
func endsVoucher(s payment.Status) bool {
	return s == payment.Refunded || s == payment.Rejected || s == payment.Closed
}

// issueVoucher gives the payment a temporary voucher, once; it stays the same
// whatever happens after.
func (st *step) issueVoucher() error {
	if st.row.Voucher != "" {
		return nil
	}
	code, err := voucher.NewCode()
	if err != nil {
		return err
	}
	st.row.Voucher = code
	st.row.PaidAt = sql.NullTime{Time: st.at, Valid: true}
	return nil
}
