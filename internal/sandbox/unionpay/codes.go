package unionpay

// Response codes of the ACP interface, as its appendix of response codes and
// the SDK examples of public integrations give them. The first two characters
// decide; the seven digits in brackets after the text are detail for people.
const (
	codeOK           = "00"
	codeFailed       = "01" // 交易失败，详情请咨询95516
	codeAccepted     = "05" // accepted, ask again later
	codeBusy         = "06"
	codeBadFormat    = "10"
	codeBadSignature = "11"
	codeDuplicate    = "12"
	codeMissing      = "13"
	codeMerchant     = "31" // the merchant's state is not right: unknown number or certificate
	codeNotPermitted = "32"
	codeLimit        = "33"
	codeNoSuchOrder  = "34"
	codeOriginal     = "35" // the original is missing or in the wrong state
	codeMismatch     = "36" // does not agree with the original: here also more than is left of it
	codeOutOfTime    = "39" // outside the time in which such a transaction is taken
	codeReversed     = "45" // the original was refunded or revoked already
	codeNoBalance    = "64" // the card's balance is too low: what a failed patient gets
	codeInputTimeout = "69" // the patient did not finish in time
)

// message gives the Chinese text of a code, as respMsg carries it.
func message(code string) string {
	switch code {
	case codeOK:
		return "成功[0000000]"
	case codeFailed:
		return "交易失败，详情请咨询95516"
	case codeAccepted:
		return "交易已受理，请稍后查询交易结果"
	case codeBusy:
		return "系统繁忙，请稍后再试"
	case codeBadFormat:
		return "报文格式错误"
	case codeBadSignature:
		return "验证签名失败"
	case codeDuplicate:
		return "订单重复[2010002]"
	case codeMissing:
		return "报文交易要素缺失"
	case codeMerchant:
		return "商户状态不正确"
	case codeNotPermitted:
		return "无此交易权限"
	case codeLimit:
		return "交易金额超限"
	case codeNoSuchOrder:
		return "查无此交易"
	case codeOriginal:
		return "原交易不存在或状态不正确[2040004]"
	case codeMismatch:
		return "与原交易信息不符[2050004]"
	case codeOutOfTime:
		return "交易不在受理时间范围内"
	case codeReversed:
		return "原交易已被成功退货或已被成功撤销"
	case codeNoBalance:
		return "卡上的余额不足"
	case codeInputTimeout:
		return "您的输入超时，交易失败"
	default:
		return "通用错误"
	}
}

// refusal is an answer other than 00. Detail names the field or the rule; it
// never holds a value of the request.
type refusal struct {
	code   string
	detail string
}

func refuse(code, detail string) *refusal { return &refusal{code: code, detail: detail} }

func (r *refusal) text() string {
	if r.detail == "" {
		return message(r.code)
	}
	return message(r.code) + "：" + r.detail
}
