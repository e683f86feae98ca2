package insurance

import (
	"slices"

	"github.com/regpay/regpay/internal/channel"
)

// The order states (ordStas) by what they mean for the insurance's tender, with
// the words that integrations of the platform have for them:
//
//	0 已保存  1 预结算完成  2 结算中  3 自费完成
//	4 医保支付完成  5 院内结算完成  6 结算完成
//	7 已退款  8 已医保全部退款  11 医保全部退款、自费部分退款  12 已撤销  13 医保已撤销
//	9 仅自费全部退款  10 仅自费部分退款
//	14 异常  15 结算失败  16 医保结算失败、自费冲正失败
//	17 退款中; above it provinces differ
//
// 3 says that the patient's own part is paid and nothing of the insurance's, so
// the insurance is still at work. In 9 and 10 the patient's own part went back
// by the platform while the insurance's did not, which never happens here, where
// another tender pays it: a person has to look.
const (
	saved     = "0"
	ownPaid   = "3"
	refunding = "17"
)

func clearing(s string) bool { return slices.Contains([]string{saved, "1", "2", ownPaid}, s) }
func settled(s string) bool  { return slices.Contains([]string{"4", "5", "6"}, s) }
func returned(s string) bool { return slices.Contains([]string{"7", "8", "11", "12", "13"}, s) }
func failed(s string) bool   { return slices.Contains([]string{"14", "15", "16"}, s) }

// claimsSettlement reads ordStas of a reply to 6202. Platforms count 3 among the
// successes, so it is worth a query too; what it means for the insurance's part
// is then told by what 6301 says, not by it.
func claimsSettlement(s string) bool { return s == ownPaid || settled(s) }

// chargeState reads ordStas for a charge. A settlement that went back is
// Closed: no money is held, and a voucher must not follow from it.
func chargeState(s string) channel.State {
	switch {
	case clearing(s):
		return channel.InClearing
	case settled(s):
		return channel.Captured
	case returned(s):
		return channel.Closed
	case failed(s):
		return channel.Declined
	}
	return channel.Doubtful
}

// refundState reads ordStas for the refund of a settled order.
func refundState(s string) channel.RefundState {
	switch {
	case returned(s):
		return channel.RefundSucceeded
	case settled(s):
		return channel.RefundAbsent
	case s == refunding:
		return channel.RefundProcessing
	case failed(s):
		return channel.RefundFailed
	}
	return channel.RefundAbnormal
}
