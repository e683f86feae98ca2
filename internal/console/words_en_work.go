package console

// englishWork are the words of codes: states, channels, what the audit log
// tells of.
func englishWork() texts {
	return texts{
		"status_pending": "opened", "status_verifying": "identity to be proved", "status_awaiting_payment": "to be paid", "status_clearing": "insurance is settling", "status_paid": "paid", "status_registered": "registered", "status_completed": "completed",
		"status_in_review": "waits for staff", "status_suspended": "waits for maintenance", "status_refunding": "being returned", "status_closed": "closed", "status_refunded": "refunded", "status_rejected": "rejected",

		"status_means_pending":          "The system is working on it.",
		"status_means_verifying":        "The patient has to prove who they are.",
		"status_means_awaiting_payment": "The patient has to pay.",
		"status_means_clearing":         "The insurance platform is settling.",
		"status_means_paid":             "All money is in and the patient has a temporary voucher; the HIS has to register.",
		"status_means_registered":       "The HIS has it; the booking system is being told.",
		"status_means_completed":        "Registered. Everything is done.",
		"status_means_in_review":        "Somebody has to decide. Until then no money moves.",
		"status_means_suspended":        "A system that it needs is in maintenance; it goes on by itself afterwards.",
		"status_means_refunding":        "What came in is on its way back.",
		"status_means_closed":           "Nobody paid. It is over.",
		"status_means_refunded":         "All money was returned. It is over.",
		"status_means_rejected":         "The risk rules or staff refused it. It is over.",

		"method_wechat": "WeChat Pay", "method_unionpay": "UnionPay", "method_insurance": "insurance", "method_mixed": "insurance and own money",
		"channel_wechat": "WeChat Pay", "channel_unionpay": "UnionPay", "channel_insurance": "Insurance",
		"system_wechat": "WeChat Pay", "system_unionpay": "UnionPay", "system_insurance": "Insurance", "system_his": "Hospital information system (HIS)", "system_hospital": "The whole hospital",
		"windowstate_upcoming": "announced", "windowstate_active": "running", "windowstate_past": "over",
		"attemptstate_open": "to be paid", "attemptstate_clearing": "under way", "attemptstate_captured": "money is in", "attemptstate_closed": "closed", "attemptstate_declined": "declined", "attemptstate_absent": "not known there", "attemptstate_doubtful": "they ask for a person",
		"refundstate_processing": "on its way", "refundstate_succeeded": "returned", "refundstate_failed": "refused", "refundstate_abnormal": "stuck at the channel", "refundstate_absent": "not known there", "refundstate_offline": "handed over on site",
		"role_support": "Support", "role_finance": "Finance", "role_auditor": "Auditor", "role_admin": "Administrator",
		"role_does_support": "decides cases, cancels, refunds, sees personal data with a reason", "role_does_finance": "reads the queue and the overview, finds and refunds payments", "role_does_auditor": "reads everything, with the audit log and its verification", "role_does_admin": "accounts and maintenance; no personal data",

		"actor_workflow": "the system", "actor_system": "the system", "actor_patient": "the patient", "actor_channel": "the channel", "actor_his": "the HIS", "actor_api": "API %s", "somebody": "a colleague",

		"action_opened": "Payment opened", "action_assessed": "Risk assessed", "action_attempt": "Asked a channel for the money", "action_prepaid": "The channel answered the request", "action_attempt_ended": "This attempt is over", "action_captured": "Money is in", "action_capture_confirmed": "Money confirmed once more",
		"action_case_opened": "Case opened", "action_case_decided": "Decided", "action_decision_proposed": "Decision proposed, needs a second person", "action_case_overdue": "Case overdue, escalated", "action_case_claimed": "Case taken", "action_case_released": "Case put back",
		"action_case_viewed": "Case viewed", "action_payment_viewed": "Payment viewed", "action_log_viewed": "Audit log viewed", "action_personal_data_revealed": "Patient's data shown in full",
		"action_decision_asked": "Decision sent from the console", "action_cancel_asked": "Cancellation sent from the console", "action_refund_asked": "Refund sent from the console",
		"action_verification_asked": "Proof of identity asked for", "action_verification_failed": "Proof of identity failed", "action_verified": "Identity proved", "action_moved": "State changed", "action_completed": "Everything done", "action_method": "Way to pay chosen",
		"action_refund_reserved": "Refund set aside", "action_refund_sent": "Refund sent", "action_refund_retried": "Refund tried again", "action_refund_offline": "Handed over on site", "action_refund_processing": "The channel took the refund", "action_refund_succeeded": "Refund is back", "action_refund_failed": "The channel refused the refund", "action_refund_abnormal": "Refund stuck at the channel", "action_refund_absent": "The channel does not know the refund",
		"action_registered": "The HIS registered it", "action_registration_refused": "The HIS refused it",
		"action_signed_in": "Signed in", "action_signed_out": "Signed out", "action_sign_in_refused": "Sign-in refused", "action_sessions_ended": "Sessions ended", "action_staff_added": "Account added", "action_staff_changed": "Roles or hospitals changed", "action_staff_password_set": "Password set", "action_staff_password_changed": "Own password changed", "action_staff_disabled": "Account disabled", "action_staff_enabled": "Account enabled", "action_account_locked": "Account locked",
		"action_key_created": "API key created", "action_key_revoked": "API key revoked", "action_maintenance_announced": "Maintenance announced", "action_maintenance_ended": "Maintenance ended", "action_blocked": "Put on the risk list", "action_unblocked": "Taken off the risk list", "action_no_show": "No-show recorded",

		"detail_patient": "patient (index)", "detail_sessions": "sessions", "detail_slot": "slot", "detail_subject": "account", "detail_note": "note",
		"detail_address": "from", "detail_amount_fen": "amount", "detail_appointment": "appointment number", "detail_attempt": "attempt", "detail_case": "case", "detail_challenge": "check", "detail_channel": "channel", "detail_channel_no": "transaction number", "detail_code": "code", "detail_decision": "decision",
		"detail_expected_by": "expected by", "detail_from": "state before", "detail_handed_by": "handed over by", "detail_hospitals": "hospitals", "detail_kind": "kind", "detail_login": "login", "detail_merchant_no": "merchant number", "detail_method": "way to pay", "detail_notice": "registration", "detail_purpose": "purpose", "detail_reason": "reason", "detail_receipt": "receipt",
		"detail_reference": "reference", "detail_refund": "refund", "detail_refund_no": "refund number", "detail_retry": "retry", "detail_roles": "roles", "detail_scene": "scene", "detail_self_pay": "own-money channel", "detail_state": "channel's state", "detail_status": "state", "detail_system": "system", "detail_times": "times", "detail_try": "try", "detail_until": "until", "detail_via": "by", "detail_voucher": "voucher", "detail_why": "why", "detail_window": "window", "detail_name": "name", "detail_key": "id",

		"whycode_stray_payment": "paid twice or too late", "whycode_refunded_on_request": "returned on request", "whycode_maintenance": "maintenance", "whycode_cancelled": "cancelled", "whycode_convert_to_self_pay": "the insurance part is paid by the patient",

		"overview_latest":   "Times to decide are of the latest 1,000 decisions of the period at most.",
		"queue_maintenance": "In maintenance now:", "queue_maintenance_one": "%s, %s, until %s", "queue_maintenance_and": "; ", "queue_maintenance_more": "; and %d more",

		"said_his_waits": "waits for its answer", "said_his_registered": "registered", "said_his_refused": "refused", "said_his_over": "no longer asked",
		"sent_his_since": "Asked since", "sent_his_paid": "Paid amount", "sent_his_again": "Again", "sent_his_again_value": "until it answers, every two minutes at most (tries are counted in Temporal alone)",
		"answer_his_registered": "Registered at", "answer_his_notice": "Registration", "answer_his_refused": "Refused at", "answer_his_none": "No answer for", "answer_his_reported": "Reported to staff", "their_slot_gone": "the slot is taken or withdrawn",
	}
}
