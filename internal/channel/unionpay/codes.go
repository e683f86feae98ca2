package unionpay

import (
	"slices"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

// The response codes that are handled by name, with the words of UnionPay's
// list of codes.
const (
	ok        = "00" // 成功
	partly    = "A6" // 有缺陷的成功
	timedOut  = "03" // 交易通讯超时，请发起查询交易
	unclear   = "04" // 交易状态未明，请查询对账结果
	accepted  = "05" // 交易已受理，请稍后查询交易结果
	duplicate = "12" // 重复交易
	unknown   = "34" // 查无此交易
	idled     = "69" // 您的输入超时，交易失败
	atCashier = "70" // 交易已跳转，等待持卡人输入
	reversed  = "46" // 交易已被成功冲正
)

// debitedBut tells the codes in which the patient's account was debited and
// something else went wrong: 扣款成功但交易超过规定支付时间, 扣款成功，销账未知,
// 扣款成功，销账失败. A person has to look.
func debitedBut(code string) bool { return slices.Contains([]string{"42", "74", "75"}, code) }

// notNow tells the refusals that did nothing and invite another try: closed for
// the moment, busy, too often, outside business hours.
func notNow(code string) bool { return slices.Contains([]string{"02", "06", "37", "39"}, code) }

// inDoubt tells the codes of a request itself (not of a query) after which the
// transaction may exist: UnionPay asks for a query after each of them.
func inDoubt(code string) bool {
	return slices.Contains([]string{"01", timedOut, unclear, accepted, duplicate, unknown, "60"}, code)
}

// mayBeOwnSuccess tells refusals of a refund that the success of an earlier try
// with the same number explains: 重复交易, 交易金额超限, 原交易状态不正确,
// 与原交易信息不符, 原交易已被成功退货.
func mayBeOwnSuccess(code string) bool {
	return slices.Contains([]string{duplicate, "33", "35", "36", "45"}, code)
}

// refusalKind sorts the code of a request that was not accepted.
func refusalKind(code string) payment.Kind {
	switch {
	case notNow(code):
		return payment.Retryable
	case inDoubt(code):
		return payment.Uncertain
	}
	return payment.Final
}

// chargeState reads what a query says of a payment. over tells that the order
// can no longer be paid (payTimeout and the margin have passed); before that
// only success and a pending result are more than "not paid yet".
func chargeState(orig string, over bool) channel.State {
	switch {
	case orig == ok, orig == partly:
		return channel.Captured
	case debitedBut(orig):
		return channel.Doubtful
	case orig == timedOut, orig == unclear, orig == duplicate:
		return channel.InClearing
	case !over:
		return channel.Open
	case orig == accepted, orig == atCashier:
		return channel.InClearing
	case orig == unknown:
		return channel.Absent
	case orig == reversed, orig == idled:
		return channel.Closed
	}
	return channel.Declined
}

// refundState reads what a query or a notification says of a refund.
func refundState(orig string) channel.RefundState {
	switch {
	case orig == ok:
		return channel.RefundSucceeded
	case orig == partly, debitedBut(orig):
		return channel.RefundAbnormal
	case orig == timedOut, orig == unclear, orig == accepted, orig == duplicate, orig == atCashier:
		return channel.RefundProcessing
	case orig == unknown:
		return channel.RefundAbsent
	}
	return channel.RefundFailed
}
