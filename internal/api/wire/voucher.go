package wire

import (
	"time"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// VoucherState is what a voucher is worth now; it is its watermark too.
type VoucherState string

// The states of a voucher.
const (
	VoucherPaid      VoucherState = "paid"      // 已支付
	VoucherTemporary VoucherState = "temporary" // 临时凭证: the HIS does not have it yet
	VoucherRefunded  VoucherState = "refunded"  // 已退款
	VoucherVoid      VoucherState = "void"      // 作废
)

// Voucher is the patient's proof of payment.
type Voucher struct {
	Code        string       `json:"code" doc:"What the patient shows; its last character checks the others"`
	State       VoucherState `json:"state" enum:"paid,temporary,refunded,void"`
	IssuedAt    time.Time    `json:"issued_at"`
	ConfirmedAt time.Time    `json:"confirmed_at,omitzero" doc:"When the HIS had the registration"`
	// Token is signed, for a counter that is offline.
	Token string `json:"token,omitempty" doc:"The content of the QR code, signed, checkable offline"`
}

// VoucherOf writes the view's voucher, which has to be there, without a token.
func VoucherOf(v store.View) Voucher {
	return Voucher{Code: v.Voucher.Code, State: VoucherStateOf(v),
		IssuedAt: utc(v.Voucher.IssuedAt), ConfirmedAt: utc(v.Voucher.Confirmed)}
}

// VoucherStateOf sorts the view's voucher, which has to be there. Money that
// is on its way back already takes its worth.
func VoucherStateOf(v store.View) VoucherState {
	switch {
	case v.Status == payment.Refunded:
		return VoucherRefunded
	case v.Voucher.Void:
		return VoucherVoid
	case v.Voucher.Temporary:
		return VoucherTemporary
	}
	return VoucherPaid
}
