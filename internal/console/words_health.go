package console

// chineseHealth and englishHealth are the words of how the systems work and of the
// voucher's picture.
func chineseHealth() texts {
	return texts{
		"health_title": "各系统是否正常", "health_lead": "按账上最近的支付单判断（一家医院 100 笔，多家时每家 10 笔），不向对方询问；刚发起不到一分钟的不计。",
		"health_system": "系统", "health_state": "状况", "health_quarter": "近 15 分钟", "health_hour": "近 60 分钟",
		"health_charges":   "发起 %d，到账 %d，失败 %d，无应答 %d",
		"health_last_paid": "最近到账", "health_last_notice": "最近通知", "health_never": "最近没有",
		"health_state_good": "正常", "health_state_bad": "异常", "health_state_quiet": "近期无业务", "health_state_maintenance": "维护中",
		"health_colon":          "：",
		"health_unanswered":     "%d 笔无应答（共 %d 笔，近 %d 分钟）",
		"health_failing":        "%d 笔失败（共 %d 笔，近 %d 分钟）",
		"health_no_notices":     "有到账，但收不到对方通知；系统靠主动查询得知，患者会多等。请检查通知地址",
		"health_in_maintenance": "正在维护",
		"health_his":            "医院信息系统（HIS）", "health_his_hour": "近 60 分钟登记 %d，拒绝 %d", "health_his_backlog": "等待登记 %d", "health_his_last": "最近登记",
		"health_his_waiting":  "%d 笔已付款等待登记，最早的已等 %s",
		"health_his_refusing": "%d 笔被拒绝（共 %d 笔，近 60 分钟）",
		"health_refunds":      "尚未到账的退款", "health_refunds_none": "所有退款都已到账。",
		"health_refunds_way": "在途", "health_refunds_late": "其中已过期限", "health_refunds_failed": "被拒或卡住", "health_refunds_oldest": "最早一笔",

		"voucher_show": "显示凭证（含二维码）", "voucher_picture": "凭证 %s，含二维码",
	}
}

func englishHealth() texts {
	return texts{
		"health_title": "Do the systems work?", "health_lead": "Judged by the latest payments in the books (100 of one hospital, 10 of each of several); nobody is asked. What began less than a minute ago is left out.",
		"health_system": "System", "health_state": "State", "health_quarter": "Last 15 minutes", "health_hour": "Last 60 minutes",
		"health_charges":   "%d begun, %d paid, %d failed, %d unanswered",
		"health_last_paid": "Money came in", "health_last_notice": "Last notification", "health_never": "not lately",
		"health_state_good": "works", "health_state_bad": "trouble", "health_state_quiet": "nothing asked lately", "health_state_maintenance": "in maintenance",
		"health_colon":          ": ",
		"health_unanswered":     "%d unanswered of %d in the last %d minutes",
		"health_failing":        "%d failed of %d in the last %d minutes",
		"health_no_notices":     "money comes in but no notifications do; the system finds out by asking, and patients wait longer. Check the address for notifications",
		"health_in_maintenance": "in maintenance",
		"health_his":            "Hospital information system (HIS)", "health_his_hour": "%d registered, %d refused in the last 60 minutes", "health_his_backlog": "%d wait", "health_his_last": "Last registration",
		"health_his_waiting":  "%d paid ones wait to be registered, the oldest for %s",
		"health_his_refusing": "%d refused of %d in the last 60 minutes",
		"health_refunds":      "Refunds that are not back yet", "health_refunds_none": "Every refund is back.",
		"health_refunds_way": "On their way", "health_refunds_late": "Of these, late", "health_refunds_failed": "Refused or stuck", "health_refunds_oldest": "Oldest",

		"voucher_show": "Show the voucher with its QR code", "voucher_picture": "Voucher %s with its QR code",
	}
}
