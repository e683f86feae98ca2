package console

// chineseWork are the words of codes: states, channels, what the audit log
// tells of.
func chineseWork() texts {
	return texts{
		"status_pending": "已建单", "status_verifying": "待核验身份", "status_awaiting_payment": "待付款", "status_clearing": "医保结算中", "status_paid": "已付款", "status_registered": "HIS 已登记", "status_completed": "已完成",
		"status_in_review": "待人工处理", "status_suspended": "等待维护结束", "status_refunding": "退费中", "status_closed": "已关闭", "status_refunded": "已退费", "status_rejected": "已拒绝",

		"status_means_pending":          "系统正在处理。",
		"status_means_verifying":        "等待患者核验身份。",
		"status_means_awaiting_payment": "等待患者付款。",
		"status_means_clearing":         "等待医保平台结算。",
		"status_means_paid":             "已全部到账，患者有临时凭证；等待 HIS 登记。",
		"status_means_registered":       "HIS 已登记，正在通知预约系统。",
		"status_means_completed":        "挂号成功，全部完成。",
		"status_means_in_review":        "等待人工处理，期间不会动钱。",
		"status_means_suspended":        "所需的系统正在维护，结束后自动继续。",
		"status_means_refunding":        "已收的钱正在原路退回。",
		"status_means_closed":           "患者未付款，已结束。",
		"status_means_refunded":         "已全部退回，已结束。",
		"status_means_rejected":         "被风控规则或工作人员拒绝，已结束。",

		"method_wechat": "微信支付", "method_unionpay": "银联支付", "method_insurance": "医保支付", "method_mixed": "医保加自费",
		"channel_wechat": "微信支付", "channel_unionpay": "银联", "channel_insurance": "医保",
		"system_wechat": "微信支付", "system_unionpay": "银联", "system_insurance": "医保", "system_his": "医院信息系统（HIS）", "system_hospital": "整个医院",
		"windowstate_upcoming": "已预告", "windowstate_active": "进行中", "windowstate_past": "已结束",
		"attemptstate_open": "等待付款", "attemptstate_clearing": "处理中", "attemptstate_captured": "已到账", "attemptstate_closed": "已关闭", "attemptstate_declined": "被拒绝", "attemptstate_absent": "对方查无此单", "attemptstate_doubtful": "对方要求人工核实",
		"refundstate_processing": "退款处理中", "refundstate_succeeded": "已退回", "refundstate_failed": "被拒绝", "refundstate_abnormal": "退款异常，未到账", "refundstate_absent": "对方查无此单", "refundstate_offline": "已线下退费",
		"role_support": "客服", "role_finance": "财务", "role_auditor": "审计", "role_admin": "管理员",
		"role_does_support": "处理异常单、取消、退费；查看患者信息须写原因", "role_does_finance": "查看异常单和统计，查支付单、退费", "role_does_auditor": "只读，包括审计日志及其校验", "role_does_admin": "管理账号和系统维护，看不到患者信息",

		"actor_workflow": "系统", "actor_system": "系统", "actor_patient": "患者", "actor_channel": "支付渠道", "actor_his": "HIS", "actor_api": "接口 %s", "somebody": "某位同事",

		"action_opened": "支付建单", "action_assessed": "风控评估", "action_attempt": "向渠道发起收款", "action_prepaid": "渠道受理收款请求", "action_attempt_ended": "本次收款结束", "action_captured": "钱已到账", "action_capture_confirmed": "到账再次确认",
		"action_case_opened": "产生异常单", "action_case_decided": "处理", "action_decision_proposed": "提交复核", "action_case_overdue": "异常单超时，已上报", "action_case_claimed": "接手异常单", "action_case_released": "放回异常单",
		"action_case_viewed": "查看异常单", "action_payment_viewed": "查看支付单", "action_log_viewed": "查看审计日志", "action_personal_data_revealed": "查看患者个人信息",
		"action_decision_asked": "在工作台提交处理", "action_cancel_asked": "在工作台提交取消", "action_refund_asked": "在工作台提交退费",
		"action_verification_asked": "要求核验身份", "action_verification_failed": "身份核验未通过", "action_verified": "身份核验通过", "action_moved": "状态改变", "action_completed": "全部完成", "action_method": "选择支付方式",
		"action_refund_reserved": "登记退费", "action_refund_sent": "退款请求已发出", "action_refund_retried": "重新发起退款", "action_refund_offline": "线下退费", "action_refund_processing": "渠道受理退款", "action_refund_succeeded": "退款成功", "action_refund_failed": "渠道拒绝退款", "action_refund_abnormal": "退款异常", "action_refund_absent": "渠道查无此退款",
		"action_registered": "HIS 已登记挂号", "action_registration_refused": "HIS 拒绝登记",
		"action_signed_in": "登录", "action_signed_out": "退出登录", "action_sign_in_refused": "登录被拒绝", "action_sessions_ended": "登录被结束", "action_staff_added": "添加账号", "action_staff_changed": "更改角色或医院", "action_staff_password_set": "重设密码", "action_staff_password_changed": "更改本人密码", "action_staff_disabled": "停用账号", "action_staff_enabled": "启用账号", "action_account_locked": "账号被锁定",
		"action_key_created": "创建接口密钥", "action_key_revoked": "吊销接口密钥", "action_maintenance_announced": "发布维护", "action_maintenance_ended": "结束维护", "action_blocked": "列入风控名单", "action_unblocked": "移出风控名单", "action_no_show": "记为爽约",

		"detail_patient": "患者（索引）", "detail_sessions": "登录数量", "detail_slot": "号源", "detail_subject": "账号", "detail_note": "说明",
		"detail_address": "网络地址", "detail_amount_fen": "金额", "detail_appointment": "预约号", "detail_attempt": "收款序号", "detail_case": "异常单", "detail_challenge": "核验", "detail_channel": "渠道", "detail_channel_no": "渠道交易号", "detail_code": "返回码", "detail_decision": "处理方式",
		"detail_expected_by": "最晚到账日", "detail_from": "此前状态", "detail_handed_by": "经手人", "detail_hospitals": "医院", "detail_kind": "方式", "detail_login": "登录名", "detail_merchant_no": "商户单号", "detail_method": "支付方式", "detail_notice": "登记号", "detail_purpose": "原因", "detail_reason": "原因", "detail_receipt": "收据号",
		"detail_reference": "凭据号", "detail_refund": "退费序号", "detail_refund_no": "退款单号", "detail_retry": "重试次数", "detail_roles": "角色", "detail_scene": "场景", "detail_self_pay": "自费渠道", "detail_state": "渠道状态", "detail_status": "状态", "detail_system": "系统", "detail_times": "上报次数", "detail_try": "次数", "detail_until": "至", "detail_via": "登录方式", "detail_voucher": "凭证", "detail_why": "原因", "detail_window": "维护", "detail_name": "名称", "detail_key": "编号",

		"whycode_stray_payment": "多付或迟付的款项", "whycode_refunded_on_request": "应要求退费", "whycode_maintenance": "系统维护", "whycode_cancelled": "取消", "whycode_convert_to_self_pay": "医保部分转自费",

		"overview_latest":   "处理用时按该时段内最近 1000 次处理计算。",
		"queue_maintenance": "正在维护：", "queue_maintenance_one": "%s %s，至 %s", "queue_maintenance_and": "；", "queue_maintenance_more": "；另有 %d 项",

		"said_his_waits": "等待答复", "said_his_registered": "已登记", "said_his_refused": "被拒绝", "said_his_over": "不再询问",
		"sent_his_since": "开始请求登记", "sent_his_paid": "已付金额", "sent_his_again": "重试", "sent_his_again_value": "直到答复，间隔最长两分钟（次数只记在 Temporal）",
		"answer_his_registered": "登记时间", "answer_his_notice": "登记号", "answer_his_refused": "拒绝时间", "answer_his_none": "无答复已", "answer_his_reported": "已提请人工", "their_slot_gone": "号源已被占用或停诊",
	}
}
