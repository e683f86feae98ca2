package console

// englishPages are the words of the pages' frame and of those that decide
// nothing.
func englishPages() texts {
	return texts{
		"app_name": "Registration payment desk", "skip_to_content": "Skip to the content", "main_menu": "Main menu", "sign_out": "Sign out", "times_are_local": "All times are Beijing time (UTC+8).",
		"nav_queue": "To decide", "nav_find": "Find a payment", "nav_overview": "Overview", "nav_maintenance": "Maintenance", "nav_staff": "Staff", "nav_audit": "Audit log",
		"search_button": "Search", "show_button": "Show", "more": "More", "list_separator": ", ", "print": "Print", "refresh": "Refresh", "hospital": "Hospital", "amount": "Amount", "status": "State",
		"patient": "Patient", "channel": "Channel", "why": "Why", "day": "Day", "count": "Count", "chart_as_table": "Show as a table",

		"days_hours": "%d d %d h", "days": "%d d", "hours_minutes": "%d h %d min", "hours": "%d h", "minutes": "%d min", "moments": "under a minute",
		"time_left": "%s left", "overdue_by": "overdue by %s", "escalated": "escalated × %d",

		"signin_title": "Sign in", "signin_lead": "For the help desk: problems with registration payments.", "signin_oidc": "Sign in with your organisation's account", "signin_or": "or",
		"signin_login": "Login", "signin_password": "Password", "signin_button": "Sign in", "signin_recorded": "Sign-ins, views of personal data and every decision are recorded in the audit log.",
		"signin_refused": "Wrong login or password.", "signin_wait": "Too many attempts. Try again in %d minutes.", "signin_failed": "The sign-in at your organisation did not work. Try again.",
		"signin_no_role": "You signed in, but have no role or hospital here. Ask an administrator.", "signin_expired": "Your session ended. Sign in again.", "signed_out": "You are signed out.",

		"password_title": "Your password", "password_lead": "Your other sign-ins end when you change it.", "password_must": "Somebody else has seen this password. Choose one of your own to go on.",
		"password_old": "The password you have", "password_new": "New password", "password_again": "New password once more", "password_hint": "At least %d characters. Long is what counts; several words are good.", "password_button": "Change the password", "flash_password_changed": "Your password is changed.",
		"wrong_password_old": "The password you have is another one.", "wrong_password_again": "The new password is not the same both times.", "wrong_password_short": "The new password is too short or too long, or is your login.", "wrong_password_same": "The new password is the old one.",
		"wrong_password_locked": "Too many wrong passwords: your account is locked for now. Try later, or ask an administrator.",

		"problem_start": "To the start page", "problem_request": "Name this number when you ask for help:",
		"problem_not_found_title": "Not found", "problem_not_found": "There is no such page, or it is not one of your hospitals'.",
		"problem_forbidden_title": "Not allowed", "problem_forbidden": "Your role may not do this. Ask an administrator if you need it.",
		"problem_stale_form_title": "This page is too old", "problem_stale_form": "Open the page again and send it once more. Nothing was changed.",
		"problem_too_large_title": "Too long", "problem_too_large": "What was sent is too long. Shorten it and try again.",
		"problem_method_title": "Not possible", "problem_method": "This address does not take such a request.",
		"problem_form_title": "The form could not be read", "problem_form": "Open the page again and try once more.",
		"problem_rule_title": "This cannot be done now", "problem_rule": "The present state does not allow it, and nothing was changed. Look at the present state.",
		"problem_unavailable_title": "No answer for now", "problem_unavailable": "It is not known whether this was done. Look at the present state before you repeat it.",
		"problem_internal_title": "Something is wrong here", "problem_internal": "The system made an error. Ask an operator, with the number below.",

		"queue_title": "Cases to decide", "queue_lead": "The oldest come first. Each has to be decided within 24 hours.", "queue_search": "Order number or voucher code", "queue_reason": "Problem", "queue_all_reasons": "All problems",
		"queue_all_hospitals": "All hospitals", "queue_tabs": "Sorts", "queue_as_of": "As of %s, refreshes by itself", "queue_caption": "Cases to decide, the oldest first",
		"queue_col_deadline": "Deadline", "queue_col_what": "What is wrong", "queue_col_order": "Order", "queue_col_age": "Waiting", "queue_col_claim": "Who has it",
		"queue_waits_second": "needs a second person", "queue_waits_colleague": "waits for a colleague", "queue_nothing_found": "No open case is like that.", "queue_empty": "No case is open now.",
		"queue_find_instead": "Search all payments", "queue_tab_all": "All", "queue_tab_mine": "Mine", "queue_tab_unclaimed": "Nobody's", "queue_tab_overdue": "Overdue",

		"find_title": "Find a payment", "find_lead": "By order number, voucher code, channel transaction number, merchant number or refund number.", "find_label": "Number", "find_button": "Find", "find_found": "%d payments found",
		"find_began": "Began", "find_nothing": "No payment has this number.", "find_nothing_hint": "Check every character. Spaces, dashes and case do not matter. Only payments of your hospitals are found.",

		"payment_title": "Payment", "payment_now": "Where it stands now", "payment_moving": "It is moving on. This page follows it.", "payment_open_case": "A case waits for a decision", "payment_do": "What can be done",
		"cancel_name": "Cancel this payment", "cancel_does": "The payment ends. Everything that came in goes back the way it came, and the slot is free again.", "cancel_button": "Cancel the payment", "flash_cancelled": "Cancelled. The state now: %s.",
		"refund_name": "Refund", "refund_does": "Returns money of a registered payment: up to %s, what came in last first. The insurance's part goes back whole or not at all.", "refund_amount": "Amount in yuan",
		"refund_amount_hint": "At most %s, for instance 12.50. When all of it is back, the registration is taken back too.", "refund_button": "Refund", "flash_refunded": "The refund was sent: %s.",
		"reason_required": "Reason (required)", "reason_hint": "It is recorded, and the patient may see it with the refund. No names, ID numbers or phone numbers, please.",
		"wrong_amount": "An amount is above zero, with at most two decimals.", "refund_exceeds": "Less than that can still be returned: at most %s.", "refund_whole": "This amount would split the insurance's part, which goes back whole or not at all.",
		"refund_conflict": "This refund was sent before with another amount. See the refunds below.", "payment_state": "The payment's state does not allow this now. Look at the present state.",
		"payment_doubt": "There was no answer, so it is not known whether this was done. See the state below before you repeat it.",

		"patient_name": "Name", "patient_id": "ID number", "patient_phone": "Phone", "reveal": "Show in full", "reveal_reason": "Why you need it (required)",
		"reveal_hint": "For instance: to check who is calling. It is recorded with your name, the time and your address.", "reveal_button": "Record and show", "reveal_is_recorded": "This view is in the audit log. It is hidden again after two minutes.",
		"reveal_hidden_again": "Hidden again.", "reveal_wrong": "Give a reason of 4 to 200 characters.",

		"order": "Order", "order_no": "Order number", "department": "Department", "doctor": "Doctor", "slot_at": "Appointment", "method": "Paid by", "appointment": "Appointment number", "voucher": "Voucher",
		"voucher_void": "void", "voucher_temporary": "temporary", "voucher_paid": "valid",
		"money": "Money so far", "money_caption": "Amounts by channel", "money_asked": "Asked for", "money_in": "Came in", "money_back": "Returned or set aside for it", "money_kept": "Left", "money_total": "Total", "money_none": "No channel was asked for money yet.",
		"refunds": "Refunds", "refund_no": "Refund number", "receipt_no": "Receipt number", "channel_no": "Channel transaction number", "their_code": "Channel's code", "refund_expected": "Expected by",
		"said": "What was said", "said_lead": "What we sent and what each side answered, personal data masked.", "said_attempt": "request %d", "said_we": "We sent", "said_they": "They answered", "said_nothing": "No answer.", "said_no_attempt": "Nothing was sent to a channel yet.",
		"sent_merchant_no": "Merchant number", "sent_at": "Sent", "sent_expires": "Good until", "sent_amount": "Amount", "sent_description": "Description", "sent_psn": "Insured person", "sent_city": "Insured at",
		"sent_authorised": "Insurance authorisation", "sent_authorised_yes": "sent with it", "sent_authorised_no": "none", "answer_state": "State", "answer_code": "Code", "answer_received": "Received", "answer_at": "Received at",
		"answer_fund": "Insurance fund", "answer_account": "Personal account", "answer_own": "Own share", "answer_prepaid": "Order", "answer_prepaid_yes": "accepted", "answer_notice": "Notification",
		"timeline": "What happened", "to_payment": "The payment", "to_audit": "Audit log", "to_temporal": "Open in Temporal", "to_maintenance": "All maintenance windows", "printed": "Printed by %s,",

		"overview_title": "Overview", "overview_lead": "Cases now, and decisions of the last %d days.", "overview_period": "Period", "overview_days": "Last %d days", "overview_open": "open", "overview_overdue": "overdue",
		"overview_claimed": "somebody has", "overview_oldest": "the oldest waits", "overview_decided": "decided", "overview_resolved": "over by themselves", "overview_median": "to decide, median", "overview_p95": "to decide, 95% within",
		"overview_by_reason": "Open, by problem", "overview_by_day": "Decisions by day", "overview_outcomes": "Outcomes", "overview_his": "Waiting for the HIS", "overview_his_waiting": "Payments", "overview_his_since": "The oldest waits",
		"overview_his_good": "No backlog: everything paid is registered.", "overview_none_decided": "Nothing was decided in this period.", "overview_windows": "Maintenance", "overview_no_windows": "No maintenance is running or announced.", "overview_late_note": "Overdue in parentheses.",

		"maintenance_title": "Maintenance windows", "maintenance_lead": "During maintenance nothing is sent to the system. Payments that need it wait, and go on by themselves when it is over.", "maintenance_announce": "Announce maintenance", "maintenance_system": "System",
		"maintenance_from": "From", "maintenance_until": "Until", "maintenance_from_label": "From (Beijing time)", "maintenance_until_label": "Until (Beijing time)", "maintenance_from_hint": "Empty: from now on.",
		"maintenance_until_hint": "At most seven days.", "maintenance_note": "Note", "maintenance_note_hint": "For colleagues, at most 200 characters, no personal data.", "maintenance_note_head": "Note", "maintenance_button": "Announce",
		"maintenance_list": "Announced", "maintenance_none": "No maintenance was announced yet.", "maintenance_by": "By", "maintenance_end": "End it now", "maintenance_call_off": "Call it off",
		"maintenance_end_does": "What waits goes on within about a minute.", "maintenance_end_sure": "Yes, end it", "maintenance_call_off_does": "The system will not be put out of use.", "maintenance_call_off_sure": "Yes, call it off",
		"staff_password_sure": "The old password of %s stops working at once.", "staff_password_do": "Yes, make one", "staff_disable_sure": "%s cannot use this system from now on.", "staff_disable_do": "Yes, disable it",
		"maintenance_ended_by": "ended early by %s", "flash_announced": "The maintenance is announced.", "flash_window_ended": "The maintenance is over. What waited goes on within about a minute.",
		"wrong_window_time": "Write times as 2027-01-06 02:00.", "wrong_window": "A window does not begin in the past, ends after it begins, has at most seven days, and is announced at most a year ahead.", "wrong_window_conflict": "This form announced another window before. Open the page again.", "wrong_hospital": "Choose one of your hospitals.", "wrong_system": "Choose a system.",

		"staff_title": "Staff", "staff_lead": "Accounts of this system. The roles of your organisation's accounts (OIDC) are managed there.", "staff_accounts": "Accounts", "staff_none": "There are no accounts yet.", "staff_name": "Name", "staff_roles": "Roles", "staff_hospitals": "Hospitals",
		"staff_all_hospitals": "All hospitals", "staff_do": "Do", "staff_disabled": "disabled", "staff_active": "in use", "staff_locked_until": "locked until %s", "staff_yourself": "yourself", "staff_change": "Change", "staff_add": "Add an account",
		"staff_login_hint": "Lower-case letters, digits, dots and hyphens. It stays as it is.", "staff_first_password": "The first password is made by the system and shown once.", "staff_add_button": "Add", "staff_password_of": "New password of %s", "staff_password_once": "It is shown this once. Hand it over in person; at the first sign-in another one has to be chosen.",
		"staff_rights": "Roles and hospitals", "staff_rights_hint": "Afterwards they have to sign in again.", "staff_rights_button": "Save", "staff_password": "New password", "staff_password_hint": "Makes a new password, lifts a lock and ends all their sessions.", "staff_password_button": "Make a new password",
		"staff_disable": "Disable", "staff_disable_hint": "Ends all their sessions at once; they cannot sign in any more. Records stay.", "staff_disable_button": "Disable the account", "staff_enable": "Enable again", "staff_enable_hint": "They can sign in again, with the password that they had.", "staff_enable_button": "Enable the account",
		"flash_staff_changed": "Roles and hospitals of %s are saved.", "flash_staff_disabled": "%s is disabled.", "flash_staff_enabled": "%s is enabled.",
		"wrong_login": "A login has lower-case letters, digits, dots and hyphens.", "wrong_name": "The name is missing.", "wrong_role": "Choose at least one role.", "wrong_scope": "Choose at least one hospital of your own.", "wrong_login_taken": "This login is taken.",

		"audit_title": "Audit log", "audit_lead": "Append-only. Every record carries the hash of the one before, so that a change shows.", "audit_subject": "Payment id", "audit_subject_hint": "It begins with pay_. You can also find the payment and open its log from there.",
		"audit_staff": "Accounts and sign-ins", "audit_api_keys": "API keys", "audit_maintenance_of": "Maintenance · %s", "audit_risk_of": "Risk lists · %s", "audit_not_found": "There is no such log, or it is not one of your hospitals'.", "audit_chain_good": "Verified: the whole log is complete and unaltered.",
		"audit_chain_broken": "Verification failed: the log was altered. Report this at once.", "audit_log_of": "Log:", "audit_caption": "Records, the newest first", "audit_seq": "No.", "audit_at": "When", "audit_who": "Who", "audit_what": "What", "audit_detail": "Details",
		"audit_older": "Older records", "audit_empty": "There are no older records.",
	}
}
