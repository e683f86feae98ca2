package console

// chinesePages are the words of the pages' frame and of those that decide
// nothing.
func chinesePages() texts {
	return texts{
		"app_name": "挂号支付工作台", "skip_to_content": "跳到正文", "main_menu": "主菜单", "sign_out": "退出登录", "times_are_local": "页面上的时间均为北京时间。",
		"nav_queue": "待处理", "nav_find": "查支付单", "nav_overview": "统计总览", "nav_maintenance": "系统维护", "nav_staff": "账号管理", "nav_audit": "审计日志",
		"search_button": "查找", "show_button": "显示", "more": "更多", "list_separator": "、", "print": "打印", "refresh": "刷新", "hospital": "医院", "amount": "金额", "status": "状态",
		"patient": "患者", "channel": "渠道", "why": "原因", "day": "日期", "count": "数量", "chart_as_table": "看表格",

		"days_hours": "%d 天 %d 小时", "days": "%d 天", "hours_minutes": "%d 小时 %d 分", "hours": "%d 小时", "minutes": "%d 分钟", "moments": "不到一分钟",
		"time_left": "剩 %s", "overdue_by": "已超时 %s", "escalated": "已上报 %d 次",

		"signin_title": "登录", "signin_lead": "医院服务台专用，处理挂号支付的异常。", "signin_oidc": "使用单位账号登录", "signin_or": "或",
		"signin_login": "登录名", "signin_password": "密码", "signin_button": "登录", "signin_recorded": "登录、查看患者信息和每次处理都会记入审计日志。",
		"signin_refused": "登录名或密码不正确。", "signin_wait": "尝试次数过多，请 %d 分钟后再试。", "signin_failed": "单位账号登录没有成功，请重试。",
		"signin_no_role": "登录成功，但您还没有本系统的角色或医院权限，请联系管理员。", "signin_expired": "登录已过期，请重新登录。", "signed_out": "您已退出登录。",

		"password_title": "我的密码", "password_lead": "更改后，您在其他地方的登录会失效。", "password_must": "这个密码别人见过，请先换成只有您自己知道的密码。",
		"password_old": "当前密码", "password_new": "新密码", "password_again": "再输一次新密码", "password_hint": "至少 %d 个字符。越长越安全，可以用几个词组成。", "password_button": "更改密码", "flash_password_changed": "密码已更改。",
		"wrong_password_old": "当前密码不正确。", "wrong_password_again": "两次输入的新密码不一致。", "wrong_password_short": "新密码太短或太长，或与登录名相同。", "wrong_password_same": "新密码与当前密码相同。",
		"wrong_password_locked": "密码输错次数过多，账号已暂时锁定。请稍后再试，或联系管理员。",

		"problem_start": "回到首页", "problem_request": "求助时请提供编号：",
		"problem_not_found_title": "没有找到", "problem_not_found": "页面不存在，或不属于您负责的医院。",
		"problem_forbidden_title": "无权操作", "problem_forbidden": "您的角色不能这样操作。如有需要，请联系管理员。",
		"problem_stale_form_title": "页面已过期", "problem_stale_form": "请重新打开页面再提交。刚才的操作没有生效。",
		"problem_too_large_title": "内容过长", "problem_too_large": "提交的内容太长，请缩短后再试。",
		"problem_method_title": "不支持的操作", "problem_method": "这个地址不支持这样的请求。",
		"problem_form_title": "表单有误", "problem_form": "提交的内容无法读取，请重新打开页面再试。",
		"problem_rule_title": "现在不能这样操作", "problem_rule": "当前状态不允许这样操作，刚才的操作没有生效。请查看最新状态。",
		"problem_unavailable_title": "暂时没有收到结果", "problem_unavailable": "还不能确定刚才的操作是否成功。请先查看最新状态，再决定是否重做。",
		"problem_internal_title": "系统出错", "problem_internal": "系统出错了，请把下面的编号告诉运维人员。",

		"queue_title": "待处理异常单", "queue_lead": "等得最久的排在最前。每张异常单须在 24 小时内处理。", "queue_search": "订单号或凭证码", "queue_reason": "异常类型", "queue_all_reasons": "全部类型",
		"queue_all_hospitals": "全部医院", "queue_tabs": "分类", "queue_as_of": "更新于 %s，自动刷新", "queue_caption": "待处理异常单，等得最久的在前",
		"queue_col_deadline": "处理时限", "queue_col_what": "异常", "queue_col_order": "订单", "queue_col_age": "已等待", "queue_col_claim": "处理人",
		"queue_waits_second": "待复核", "queue_waits_colleague": "已提交，等同事复核", "queue_nothing_found": "没有符合条件的异常单。", "queue_empty": "目前没有待处理的异常单。",
		"queue_find_instead": "到全部支付单里查找", "queue_tab_all": "全部", "queue_tab_mine": "我在处理", "queue_tab_unclaimed": "无人处理", "queue_tab_overdue": "已超时",

		"find_title": "查支付单", "find_lead": "输入订单号、凭证码、渠道交易号、商户单号或退款单号。", "find_label": "单号", "find_button": "查找", "find_found": "找到 %d 笔支付",
		"find_began": "下单时间", "find_nothing": "没有查到这个单号。", "find_nothing_hint": "请逐位核对。空格、短横线和大小写不影响。只能查到您负责的医院。",

		"payment_title": "支付单", "payment_now": "当前状态", "payment_moving": "正在处理，本页会自动更新。", "payment_open_case": "有异常单待处理", "payment_do": "可以办理",
		"cancel_name": "取消这笔支付", "cancel_does": "支付结束，已收的钱全部原路退回，号源释放。", "cancel_button": "确认取消", "flash_cancelled": "已取消。当前状态：%s。",
		"refund_name": "退费", "refund_does": "挂号成功后的退费，最多可退 %s。后收的先退；医保部分只能整笔退。", "refund_amount": "退费金额（元）",
		"refund_amount_hint": "最多 %s，例如 12.50。全部退完后，医院的挂号也会撤销。", "refund_button": "确认退费", "flash_refunded": "退费已提交：%s。",
		"reason_required": "原因（必填）", "reason_hint": "会记入日志，退费时患者也可能看到。请勿填写姓名、证件号或电话。",
		"wrong_amount": "请填写大于零的金额，最多两位小数。", "refund_exceeds": "超出可退金额，最多可退 %s。", "refund_whole": "这个金额会拆开医保部分，医保只能整笔退。",
		"refund_conflict": "这笔退费已用另一个金额提交过，请核对下面的退费记录。", "payment_state": "当前状态不允许这样操作，请查看最新状态。",
		"payment_doubt": "没有收到结果，还不能确定是否成功。请看下面的最新状态，再决定是否重做。",

		"patient_name": "姓名", "patient_id": "证件号码", "patient_phone": "电话", "reveal": "查看完整信息", "reveal_reason": "查看原因（必填）",
		"reveal_hint": "例如：核对来电人身份。原因会连同您的姓名、时间和网络地址记入审计日志。", "reveal_button": "记录并查看", "reveal_is_recorded": "本次查看已记入审计日志，两分钟后自动隐藏。",
		"reveal_hidden_again": "已重新隐藏。", "reveal_wrong": "请填写原因，4 到 200 个字。",

		"order": "挂号订单", "order_no": "订单号", "department": "科室", "doctor": "医生", "slot_at": "就诊时间", "method": "支付方式", "appointment": "HIS 预约号", "voucher": "挂号凭证",
		"voucher_void": "作废", "voucher_temporary": "临时", "voucher_paid": "有效",
		"money": "资金情况", "money_caption": "各支付渠道的金额", "money_asked": "应收", "money_in": "实收", "money_back": "已退或退费中", "money_kept": "结余", "money_total": "合计", "money_none": "还没有向任何渠道收款。",
		"refunds": "退费记录", "refund_no": "退款单号", "receipt_no": "收据号", "channel_no": "渠道交易号", "their_code": "渠道返回码", "refund_expected": "最晚到账日",
		"said": "收发记录", "said_lead": "我方发出的请求和对方的返回，个人信息已遮盖。", "said_attempt": "第 %d 笔请求", "said_we": "我方发出", "said_they": "对方返回", "said_nothing": "没有返回。", "said_no_attempt": "还没有向任何渠道发出请求。",
		"sent_merchant_no": "商户单号", "sent_at": "发出时间", "sent_expires": "有效至", "sent_amount": "请求金额", "sent_description": "说明", "sent_psn": "医保人员编号", "sent_city": "参保地",
		"sent_authorised": "医保授权", "sent_authorised_yes": "已附", "sent_authorised_no": "无", "answer_state": "状态", "answer_code": "返回码", "answer_received": "收到金额", "answer_at": "到账时间",
		"answer_fund": "统筹基金", "answer_account": "个人账户", "answer_own": "现金自付", "answer_prepaid": "下单", "answer_prepaid_yes": "已受理", "answer_notice": "通知",
		"timeline": "处理经过", "to_payment": "打开支付单", "to_audit": "审计日志", "to_temporal": "在 Temporal 中查看", "to_maintenance": "全部维护记录", "printed": "打印人：%s，",

		"overview_title": "统计总览", "overview_lead": "当前待处理情况，以及最近 %d 天的处理结果。", "overview_period": "统计时段", "overview_days": "最近 %d 天", "overview_open": "待处理", "overview_overdue": "已超时",
		"overview_claimed": "正在处理", "overview_oldest": "最久已等待", "overview_decided": "已处理", "overview_resolved": "自动办结", "overview_median": "处理用时（中位数）", "overview_p95": "处理用时（95% 不超过）",
		"overview_by_reason": "待处理，按异常类型", "overview_by_day": "每日处理量", "overview_outcomes": "处理结果", "overview_his": "等待 HIS 登记", "overview_his_waiting": "笔数", "overview_his_since": "最久已等待",
		"overview_his_good": "没有积压，已付款的都已登记。", "overview_none_decided": "这段时间没有处理记录。", "overview_windows": "系统维护", "overview_no_windows": "没有进行中或已预告的维护。", "overview_late_note": "括号内为已超时的数量。",

		"maintenance_title": "系统维护", "maintenance_lead": "维护期间不向该系统发送请求；需要它的支付会等待，维护结束后自动继续。", "maintenance_announce": "发布维护公告", "maintenance_system": "维护的系统",
		"maintenance_from": "开始", "maintenance_until": "结束", "maintenance_from_label": "开始（北京时间）", "maintenance_until_label": "结束（北京时间）", "maintenance_from_hint": "留空表示立即开始。",
		"maintenance_until_hint": "最长七天。", "maintenance_note": "说明", "maintenance_note_hint": "给同事看的，最多 200 字，请勿填写个人信息。", "maintenance_note_head": "说明", "maintenance_button": "发布",
		"maintenance_list": "维护记录", "maintenance_none": "还没有发布过维护。", "maintenance_by": "发布人", "maintenance_end": "立即结束", "maintenance_call_off": "取消维护",
		"maintenance_end_does": "等待中的支付约一分钟内继续。", "maintenance_end_sure": "确认结束", "maintenance_call_off_does": "到时不再停用该系统。", "maintenance_call_off_sure": "确认取消",
		"staff_password_sure": "%s 的旧密码立即失效。", "staff_password_do": "确认生成", "staff_disable_sure": "%s 将立即不能使用本系统。", "staff_disable_do": "确认停用",
		"maintenance_ended_by": "由 %s 提前结束", "flash_announced": "维护公告已发布。", "flash_window_ended": "维护已结束，等待中的支付约一分钟内继续。",
		"wrong_window_time": "请按 2027-01-06 02:00 的格式填写时间。", "wrong_window": "开始时间不能早于现在，结束须晚于开始，最长七天，最多提前一年发布。", "wrong_window_conflict": "这张表单已发布过另一次维护，请重新打开页面。", "wrong_hospital": "请选择您负责的医院。", "wrong_system": "请选择系统。",

		"staff_title": "账号管理", "staff_lead": "本系统的账号。用单位账号（OIDC）登录的人员，角色由单位管理。", "staff_accounts": "账号", "staff_none": "还没有账号。", "staff_name": "姓名", "staff_roles": "角色", "staff_hospitals": "负责的医院",
		"staff_all_hospitals": "全部医院", "staff_do": "操作", "staff_disabled": "已停用", "staff_active": "使用中", "staff_locked_until": "锁定至 %s", "staff_yourself": "本人", "staff_change": "更改", "staff_add": "添加账号",
		"staff_login_hint": "小写字母、数字、点和短横线，以后不能更改。", "staff_first_password": "初始密码由系统生成，只显示一次。", "staff_add_button": "添加", "staff_password_of": "%s 的新密码", "staff_password_once": "只显示这一次，请当面交给本人；首次登录时须换成自己的密码。",
		"staff_rights": "角色和医院", "staff_rights_hint": "保存后，对方须重新登录。", "staff_rights_button": "保存", "staff_password": "重设密码", "staff_password_hint": "生成新密码、解除锁定，并让对方的所有登录失效。", "staff_password_button": "生成新密码",
		"staff_disable": "停用", "staff_disable_hint": "对方的所有登录立即失效，不能再登录。已有记录保留。", "staff_disable_button": "停用账号", "staff_enable": "重新启用", "staff_enable_hint": "可以用原来的密码再次登录。", "staff_enable_button": "启用账号",
		"flash_staff_changed": "已保存 %s 的角色和医院。", "flash_staff_disabled": "%s 已停用。", "flash_staff_enabled": "%s 已启用。",
		"wrong_login": "登录名只能用小写字母、数字、点和短横线。", "wrong_name": "请填写姓名。", "wrong_role": "请至少选择一个角色。", "wrong_scope": "请至少选择一家您负责的医院。", "wrong_login_taken": "这个登录名已被使用。",

		"audit_title": "审计日志", "audit_lead": "只增不改。每条记录都带有上一条的校验值，任何改动都会被发现。", "audit_subject": "支付单编号", "audit_subject_hint": "以 pay_ 开头。也可以先查支付单，再从那里打开日志。",
		"audit_staff": "账号与登录", "audit_api_keys": "接口密钥", "audit_maintenance_of": "系统维护 · %s", "audit_risk_of": "风控名单 · %s", "audit_not_found": "没有这份日志，或不属于您负责的医院。", "audit_chain_good": "校验通过：整份日志完整、未被改动。",
		"audit_chain_broken": "校验失败：日志被改动过，请立即报告。", "audit_log_of": "日志：", "audit_caption": "记录，最新的在前", "audit_seq": "序号", "audit_at": "时间", "audit_who": "操作人", "audit_what": "操作", "audit_detail": "详情",
		"audit_older": "更早的记录", "audit_empty": "没有更早的记录。",
	}
}
