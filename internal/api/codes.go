package api

import (
	"net/http"

	"github.com/regpay/regpay/internal/payment"
)

// Codes of problems that the API itself finds, beside those of package
// payment. They are part of the API: add, never rename.
const (
	CodeMalformed     = "malformed_request"
	CodeInvalid       = "invalid_request"
	CodeTooLarge      = "body_too_large"
	CodeMediaType     = "unsupported_media_type"
	CodeUnauthorized  = "unauthorized"
	CodeForbidden     = "forbidden"
	CodeNoRoute       = "not_found"
	CodeNoMethod      = "method_not_allowed"
	CodeNoVoucher     = "voucher_not_issued"
	CodeCursor        = "invalid_cursor"
	CodeUnavailable   = "unavailable"
	CodeInternal      = "internal_error"
	CodeReadTimeout   = "request_timeout"
	CodeNotAcceptable = "not_acceptable"
)

// sentence is a title and, for want of a more exact one, a detail.
type sentence struct{ title, detail string }

// kind is what a code means to a caller.
type kind struct {
	status int
	zh, en sentence
}

// kindOf says what a code means. A code that is not listed is the engine's or
// the books' own word for a rule: it is passed on as a 422.
func kindOf(code string) kind {
	if k, ok := kinds()[code]; ok {
		return k
	}
	return kind{http.StatusUnprocessableEntity, sentence{"请求不符合规则", "请求不符合业务规则。"}, sentence{"A rule forbids it", "A rule forbids the request."}}
}

// kinds lists every code. It is a function so that nothing can change it.
func kinds() map[string]kind {
	all := requestKinds()
	for code, k := range orderKinds() {
		all[code] = k
	}
	for code, k := range stepKinds() {
		all[code] = k
	}
	return all
}

func requestKinds() map[string]kind {
	return map[string]kind{
		CodeMalformed: {http.StatusBadRequest,
			sentence{"请求无法解析", "请求体不是有效的 JSON。"}, sentence{"Malformed request", "The body is not valid JSON."}},
		CodeInvalid: {http.StatusUnprocessableEntity,
			sentence{"请求内容有误", "请求中有字段缺失、多余或格式不符，详见 errors。"}, sentence{"Invalid request", "Members of the request are missing, unknown or of the wrong form; see errors."}},
		CodeTooLarge: {http.StatusRequestEntityTooLarge,
			sentence{"请求体过大", "请求体不得超过 64 KiB。"}, sentence{"Body too large", "A body has at most 64 KiB."}},
		CodeMediaType: {http.StatusUnsupportedMediaType,
			sentence{"不支持的媒体类型", "请使用 application/json。"}, sentence{"Unsupported media type", "Send application/json."}},
		CodeNotAcceptable: {http.StatusNotAcceptable,
			sentence{"无法按要求的格式答复", "请接受 application/json。"}, sentence{"Not acceptable", "Accept application/json."}},
		CodeReadTimeout: {http.StatusRequestTimeout,
			sentence{"请求超时", "未能及时收到完整的请求体。"}, sentence{"Request timeout", "The body did not arrive in time."}},
		CodeUnauthorized: {http.StatusUnauthorized,
			sentence{"未授权", "缺少有效的 API 密钥。"}, sentence{"Unauthorized", "A valid API key is missing."}},
		CodeForbidden: {http.StatusForbidden,
			sentence{"无权操作", "该 API 密钥不能执行此操作。"}, sentence{"Forbidden", "This API key may not do that."}},
		CodeNoRoute: {http.StatusNotFound,
			sentence{"地址不存在", "没有这个地址，请查看 /docs。"}, sentence{"No such address", "There is nothing here; see /docs."}},
		CodeNoMethod: {http.StatusMethodNotAllowed,
			sentence{"方法不被允许", "该地址不支持此 HTTP 方法。"}, sentence{"Method not allowed", "This address does not take that HTTP method."}},
		CodeCursor: {http.StatusUnprocessableEntity,
			sentence{"翻页游标无效", "请原样使用上一页返回的 next。"}, sentence{"Invalid cursor", "Use next of the page before, unchanged."}},
		CodeUnavailable: {http.StatusServiceUnavailable,
			sentence{"服务暂不可用", "暂时无法确认处理结果，请稍后用相同的请求重试，不会重复收费。"}, sentence{"Unavailable", "The outcome is not known now. Repeat the same request later; nothing is charged twice."}},
		CodeInternal: {http.StatusInternalServerError,
			sentence{"内部错误", "服务出现错误，请凭 request_id 联系运维。"}, sentence{"Internal error", "Something is wrong here; name the request_id when asking for help."}},
	}
}

func orderKinds() map[string]kind {
	rule := http.StatusUnprocessableEntity
	return map[string]kind{
		payment.CodeHospital:      {rule, sentence{"未知的医院", "该医院未接入本系统，或该密钥无权访问。"}, sentence{"Unknown hospital", "Not a hospital of this installation, or not one of this key."}},
		payment.CodeOrderNo:       {rule, sentence{"订单号无效", "订单号应为 6 至 24 位字母或数字。"}, sentence{"Invalid order number", "An order number has 6 to 24 letters and digits."}},
		payment.CodeAmount:        {rule, sentence{"金额无效", "金额应为大于零的整数分，且不超过上限。"}, sentence{"Invalid amount", "An amount is a whole number of fen above zero and within the limit."}},
		payment.CodeFees:          {rule, sentence{"费用明细有误", "费用明细应为 1 至 20 项，且合计等于订单金额。"}, sentence{"Fees do not add up", "An order has 1 to 20 fees that add up to its amount."}},
		payment.CodeSplit:         {rule, sentence{"拆分金额有误", "医保支付金额应大于零且小于订单金额，且仅用于混合支付。"}, sentence{"Split does not add up", "The insurance's part lies between zero and the amount, and is for mixed payments alone."}},
		payment.CodeMethod:        {rule, sentence{"未知的支付方式", "支付方式为 wechat、unionpay、insurance 或 mixed。"}, sentence{"Unknown method", "The method is wechat, unionpay, insurance or mixed."}},
		payment.CodeChannel:       {rule, sentence{"支付渠道不可用", "该医院未开通所选的支付渠道。"}, sentence{"Channel not available", "The hospital does not offer this channel."}},
		payment.CodeScene:         {rule, sentence{"支付场景无效", "微信支付为 jsapi 或 native，银联为 front 或 app，医保不填。"}, sentence{"Invalid scene", "wechat takes jsapi or native, unionpay front or app, insurance none."}},
		payment.CodeSlot:          {rule, sentence{"号源信息有误", "号源应有编号、科室、医生和一年以内的就诊时间。"}, sentence{"Invalid slot", "A slot has an id, a department, a doctor and a time within a year."}},
		payment.CodeSlotPassed:    {rule, sentence{"号源已过期", "就诊时间已过。"}, sentence{"Slot has passed", "The slot's time has passed."}},
		payment.CodeIDNumber:      {rule, sentence{"证件号码无效", "证件号码未通过校验。"}, sentence{"Invalid identity number", "The identity document's number is not valid."}},
		payment.CodeIDType:        {rule, sentence{"证件类型不适用", "证件类型为 id_card 或 passport；医保支付须使用居民身份证。"}, sentence{"Identity document not usable", "The document is id_card or passport; insurance needs an identity card."}},
		payment.CodePhone:         {rule, sentence{"手机号码无效", "手机号码未通过校验。"}, sentence{"Invalid phone number", "Not a mobile number."}},
		payment.CodeName:          {rule, sentence{"姓名无效", "姓名应为 1 至 60 个字符。"}, sentence{"Invalid name", "A name has 1 to 60 characters."}},
		payment.CodeOpenID:        {rule, sentence{"缺少 openid", "此操作需要付款人的 openid。"}, sentence{"openid required", "This needs the payer's openid."}},
		payment.CodeInsuranceAuth: {rule, sentence{"缺少医保授权", "医保支付须提供 pay_auth_no 与 ec_token 之一。"}, sentence{"Insurance authorisation required", "Insurance needs one of pay_auth_no and ec_token."}},
		payment.CodeCallback:      {rule, sentence{"回调地址无效", "回调地址应为不含用户信息的完整 http(s) 地址。"}, sentence{"Invalid callback URL", "The callback is an absolute http(s) URL without user information."}},
		payment.CodeDeadline:      {rule, sentence{"支付时限无效", "支付时限应为 5 至 7200 秒。"}, sentence{"Invalid time to pay", "The time to pay is between 5 and 7200 seconds."}},
		payment.CodeRefused:       {rule, sentence{"风控拒绝", "该订单未通过风险规则。"}, sentence{"Refused by the risk rules", "The risk rules refuse this order."}},
	}
}

func stepKinds() map[string]kind {
	rule, conflict := http.StatusUnprocessableEntity, http.StatusConflict
	return map[string]kind{
		payment.CodeOrderConflict:   {conflict, sentence{"订单冲突", "该订单号已用于内容不同的支付请求。"}, sentence{"Order conflict", "This order number was used with another request."}},
		payment.CodeNotFound:        {http.StatusNotFound, sentence{"支付不存在", "没有这笔支付，或该密钥无权访问。"}, sentence{"Payment not found", "There is no such payment, or it is not one of this key."}},
		payment.CodeState:           {conflict, sentence{"当前状态不允许", "支付当前的状态不允许此操作。"}, sentence{"Not in this state", "The payment's state does not allow this now."}},
		payment.CodeVerification:    {rule, sentence{"身份核验未通过", "验证码错误、已失效，或核验未通过。"}, sentence{"Verification failed", "The code is wrong or no longer valid, or the check was not passed."}},
		payment.CodeVerifyKind:      {rule, sentence{"核验方式未知", "核验方式为 sms 或 face。"}, sentence{"Unknown verification", "A verification is sms or face."}},
		payment.CodeTooMany:         {http.StatusTooManyRequests, sentence{"操作过于频繁", "尝试次数过多，请稍后再试。"}, sentence{"Too many attempts", "Too many attempts; try again later."}},
		payment.CodeRefundAmount:    {rule, sentence{"退款金额无效", "退款金额应大于零；医保部分只能全额退回。"}, sentence{"Invalid refund amount", "A refund is above zero, and the insurance's part goes back whole."}},
		payment.CodeRefundExceeds:   {conflict, sentence{"退款超过可退金额", "可退金额不足。"}, sentence{"Refund exceeds what is left", "Less than this amount can still be returned."}},
		payment.CodeRefundConflict:  {conflict, sentence{"退款冲突", "该退款号已用于不同金额的退款。"}, sentence{"Refund conflict", "This refund key was used with another amount."}},
		payment.CodeCaseClosed:      {conflict, sentence{"个案已关闭", "该支付没有待处理的个案，或个案已有决定。"}, sentence{"Case closed", "No case of this payment is open, or it was decided."}},
		payment.CodeCaseUnknown:     {http.StatusNotFound, sentence{"个案不存在", "该支付待处理的是另一个个案。"}, sentence{"Case not found", "The open case of this payment is another one."}},
		payment.CodeDecision:        {rule, sentence{"不能作此决定", "该个案现在不能作此决定。"}, sentence{"Decision not allowed", "The case does not take this decision now."}},
		payment.CodeOperator:        {rule, sentence{"操作人无效", "决定须写明操作人；工作台的账号只能在工作台作决定。"}, sentence{"Invalid operator", "A decision names who made it; accounts of the review console decide there alone."}},
		payment.CodeReference:       {rule, sentence{"缺少凭据号", "该决定须附结算号或收据号。"}, sentence{"Reference required", "This decision needs the settlement or receipt number."}},
		payment.CodeSecondPerson:    {conflict, sentence{"须由第二人确认", "该金额的决定须由另一人确认，同一人不能确认自己的决定。"}, sentence{"A second person has to confirm", "A decision about this amount is confirmed by another person than who made it."}},
		payment.CodeContradicted:    {conflict, sentence{"与医保平台结果不符", "医保平台的查询结果与该决定不符，个案仍待处理。"}, sentence{"Contradicted by the platform", "The insurance platform's own answer differs; the case stays open."}},
		payment.CodeChannelDeclined: {rule, sentence{"渠道拒绝", "支付渠道拒绝了该请求。"}, sentence{"Declined by the channel", "The channel declined the request."}},
		payment.CodeMaintenance:     {http.StatusServiceUnavailable, sentence{"系统维护中", "所需的系统正在维护，请在 until 之后重试，或改用 alternatives 中的支付方式。"}, sentence{"In maintenance", "What this needs is in maintenance: come back after until, or use one of the alternatives."}},
		payment.CodeWindow:          {rule, sentence{"维护时段无效", "维护时段应在开始前公布，止于开始之后，且不超过七天。"}, sentence{"Invalid maintenance window", "A window is announced before it begins, ends after it begins, and has at most seven days."}},
		payment.CodeWindowSystem:    {rule, sentence{"未知的系统", "系统为 wechat、unionpay、insurance、his 或 hospital。"}, sentence{"Unknown system", "The system is wechat, unionpay, insurance, his or hospital."}},
		payment.CodeWindowConflict:  {conflict, sentence{"维护时段冲突", "该 key 已用于另一个维护时段。"}, sentence{"Window conflict", "This key was used for another window."}},
		payment.CodeWindowUnknown:   {http.StatusNotFound, sentence{"维护时段不存在", "没有这个维护时段，或该密钥无权访问。"}, sentence{"Window not found", "There is no such window, or it is not one of this key."}},
		CodeNoVoucher:               {http.StatusNotFound, sentence{"尚无凭证", "该支付尚未出具凭证。"}, sentence{"No voucher yet", "No voucher was issued for this payment."}},
	}
}
