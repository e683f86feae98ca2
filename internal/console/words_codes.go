package console

import (
	"strings"

	"github.com/regpay/regpay/internal/payment"
)

// This file words what others say in codes: channels, the insurance platform
// and the risk rules. The same code means different things to different sides,
// so most keys name the side. A code that has no words is shown as it is.

// meaningOf words the code of a side; empty for one that is not known.
func meaningOf(l Language, side payment.Channel, code string) string {
	if code == "" {
		return ""
	}
	for _, key := range []string{"their_" + string(side) + "_" + code, "their_" + code} {
		if words, ok := allTexts()[l][key]; ok {
			return words
		}
	}
	return ""
}

// capturedPrefix begins the detail of a case about a split, which has the amount.
const capturedPrefix = "captured "

// detailMeaning words the detail of a case, which is a code of the side that its
// reason is about; empty for one that is not known.
func detailMeaning(l Language, reason payment.Reason, detail string) string {
	switch reason {
	case payment.ReviewRisk:
		return allTexts()[l]["rule_"+detail]
	case payment.ReviewSplitMismatch:
		if yuan, ok := strings.CutPrefix(detail, capturedPrefix); ok {
			return say(l, "detail_captured", "¥"+yuan)
		}
	case payment.ReviewClearingFailed, payment.ReviewClearingUnknown, payment.ReviewClearingOverdue:
		return meaningOf(l, payment.Insurance, detail)
	}
	return meaningOf(l, "", detail)
}

// caseDetail is detailMeaning, or the code itself where it has no words.
func caseDetail(l Language, reason payment.Reason, detail string) string {
	if words := detailMeaning(l, reason, detail); words != "" {
		return words
	}
	return detail
}

func chineseCodes() texts {
	return texts{
		"rule_velocity": "短时间内多次挂号", "rule_amount": "金额达到核对标准", "rule_no_shows": "多次爽约", "rule_block_list": "在风控名单中",
		"detail_captured": "实际结算 %s", "detail_rule": "风控规则", "detail_risk": "风控结果", "detail_currency": "币种",
		"riskverdict_pass": "通过", "riskverdict_review": "需人工核对", "riskverdict_refuse": "拒绝",
		"kind_sms": "短信验证码", "kind_face": "人脸识别", "scene_native": "扫码", "scene_jsapi": "微信内", "scene_app": "App", "scene_front": "网页",
		"via_local": "本系统账号", "via_oidc": "单位账号",
		"noticeoutcome_accepted": "验签通过", "noticeoutcome_repeated": "重复通知",

		"their_insurance_0": "已保存，未结算", "their_insurance_1": "预结算完成", "their_insurance_2": "结算中", "their_insurance_3": "自费完成，医保未结算",
		"their_insurance_4": "医保支付完成", "their_insurance_5": "院内结算完成", "their_insurance_6": "结算完成", "their_insurance_7": "已退款", "their_insurance_8": "医保部分已全部退款",
		"their_insurance_9": "平台显示自费部分已全部退款", "their_insurance_10": "平台显示自费部分已部分退款", "their_insurance_11": "医保部分已全部退款", "their_insurance_12": "已撤销", "their_insurance_13": "医保已撤销",
		"their_insurance_14": "平台处理异常", "their_insurance_15": "结算失败", "their_insurance_16": "结算失败，冲正也失败", "their_insurance_17": "退款中",
		"their_wechat_SUCCESS": "成功", "their_wechat_NOTPAY": "未支付", "their_wechat_PROCESSING": "退款处理中", "their_wechat_CLOSED": "已关闭", "their_wechat_USERPAYING": "支付中", "their_wechat_PAYERROR": "支付失败", "their_wechat_REFUND": "已转入退款",
		"their_unionpay_00": "成功", "their_unionpay_03": "通讯超时", "their_unionpay_04": "状态未明", "their_unionpay_05": "已受理", "their_unionpay_12": "重复交易", "their_unionpay_34": "查无此交易", "their_unionpay_42": "已扣款，但超过支付时限", "their_unionpay_74": "已扣款，销账未知", "their_unionpay_75": "已扣款，销账失败", "their_unionpay_A6": "成功，但有缺陷",

		"their_timeout": "超时未返回", "their_no_answer": "一直没有返回", "their_overdue": "到期仍未到账", "their_CLOSED": "微信支付已关闭这笔退款", "their_ABNORMAL": "患者收款账户异常，微信支付退不进去", "their_FAIL": "医保平台返回失败", "their_EXP": "医保平台处理异常",
		"their_absent": "对方查无此单", "their_error": "出错，没有返回码", "their_partial": "医保只能整笔退", "their_not_captured": "对方没有收过这笔钱", "their_notification_differs": "通知内容与账上不符", "their_confirmed_by_staff": "工作人员确认",
	}
}

func englishCodes() texts {
	return texts{
		"rule_velocity": "several registrations within a short time", "rule_amount": "an amount to be checked", "rule_no_shows": "did not come several times", "rule_block_list": "on the risk list",
		"detail_captured": "settled %s", "detail_rule": "risk rule", "detail_risk": "risk rules say", "detail_currency": "currency",
		"riskverdict_pass": "pass", "riskverdict_review": "a person has to look", "riskverdict_refuse": "refuse",
		"kind_sms": "SMS code", "kind_face": "face check", "scene_native": "QR code", "scene_jsapi": "in WeChat", "scene_app": "app", "scene_front": "web page",
		"via_local": "an account of this system", "via_oidc": "the organisation's account",
		"noticeoutcome_accepted": "signature verified", "noticeoutcome_repeated": "sent again",

		"their_insurance_0": "saved, not settled", "their_insurance_1": "pre-settled", "their_insurance_2": "settling", "their_insurance_3": "own share paid, insurance not settled",
		"their_insurance_4": "insurance paid", "their_insurance_5": "settled in the hospital", "their_insurance_6": "settled", "their_insurance_7": "refunded", "their_insurance_8": "insurance part refunded",
		"their_insurance_9": "the platform shows the own share as refunded", "their_insurance_10": "the platform shows the own share as partly refunded", "their_insurance_11": "insurance part refunded", "their_insurance_12": "revoked", "their_insurance_13": "insurance revoked",
		"their_insurance_14": "an exception at the platform", "their_insurance_15": "settlement failed", "their_insurance_16": "settlement failed, and so did its reversal", "their_insurance_17": "refund under way",
		"their_wechat_SUCCESS": "success", "their_wechat_NOTPAY": "not paid", "their_wechat_PROCESSING": "refund under way", "their_wechat_CLOSED": "closed", "their_wechat_USERPAYING": "being paid", "their_wechat_PAYERROR": "payment failed", "their_wechat_REFUND": "turned into a refund",
		"their_unionpay_00": "success", "their_unionpay_03": "no answer in time", "their_unionpay_04": "state unclear", "their_unionpay_05": "accepted", "their_unionpay_12": "sent twice", "their_unionpay_34": "no such transaction", "their_unionpay_42": "debited, but too late", "their_unionpay_74": "debited, posting unknown", "their_unionpay_75": "debited, posting failed", "their_unionpay_A6": "success with a flaw",

		"their_timeout": "no answer in time", "their_no_answer": "no answer at all", "their_overdue": "not back when it was due", "their_CLOSED": "WeChat Pay has closed this refund", "their_ABNORMAL": "WeChat Pay cannot pay it to the patient's card", "their_FAIL": "the insurance platform says failed", "their_EXP": "the insurance platform met an exception",
		"their_absent": "they do not know the number", "their_error": "an error without a code", "their_partial": "the insurance goes back whole or not at all", "their_not_captured": "they never took this money", "their_notification_differs": "a notification says something else than the books", "their_confirmed_by_staff": "confirmed by staff",
	}
}
