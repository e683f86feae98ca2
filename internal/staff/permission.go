package staff

import "slices"

// Action is something that the console lets people do or see.
type Action string

// The actions.
const (
	SeeQueue          Action = "see_queue"
	ClaimCase         Action = "claim_case" // and release it
	SeeCase           Action = "see_case"   // the patient masked
	Decide            Action = "decide"
	Reveal            Action = "reveal" // the patient in clear, with a purpose that is logged
	FindPayment       Action = "find_payment"
	SeePayment        Action = "see_payment"
	SeeVoucher        Action = "see_voucher" // the patient's, whose QR code is as good as theirs
	Cancel            Action = "cancel"
	Refund            Action = "refund"
	SeeRefunds        Action = "see_refunds"
	SeeOverview       Action = "see_overview"
	SeeLog            Action = "see_log" // the audit log, with the check of its chain
	SeeMaintenance    Action = "see_maintenance"
	ManageMaintenance Action = "manage_maintenance" // announce and end windows
	SeeStaff          Action = "see_staff"
	ManageStaff       Action = "manage_staff"
)

// Actions lists every action.
func Actions() []Action {
	return []Action{SeeQueue, ClaimCase, SeeCase, Decide, Reveal, FindPayment, SeePayment, SeeVoucher, Cancel, Refund, SeeRefunds,
		SeeOverview, SeeLog, SeeMaintenance, ManageMaintenance, SeeStaff, ManageStaff}
}

// actionsOf is the table of permissions: what is not in it is not allowed.
// Whoever manages accounts decides nothing and sees no patient, and whoever
// reads the log has nothing in it but their own reading.
func actionsOf(r Role) []Action {
	switch r {
	case Support:
		return []Action{SeeQueue, ClaimCase, SeeCase, Decide, Reveal, FindPayment, SeePayment, SeeVoucher, Cancel, Refund, SeeRefunds, SeeMaintenance}
	case Finance:
		return []Action{SeeQueue, SeeCase, FindPayment, SeePayment, Refund, SeeRefunds, SeeOverview, SeeMaintenance}
	case Auditor:
		return []Action{SeeQueue, SeeCase, Reveal, FindPayment, SeePayment, SeeRefunds, SeeOverview, SeeLog, SeeMaintenance, SeeStaff}
	case Admin:
		return []Action{SeeOverview, SeeMaintenance, ManageMaintenance, SeeStaff, ManageStaff}
	}
	return nil
}

// May says whether a role of the person allows an action at all, for what is of
// no one hospital: menus, and pages that are themselves scoped.
func May(p Person, a Action) bool {
	return slices.ContainsFunc(p.Roles, func(r Role) bool { return slices.Contains(actionsOf(r), a) })
}

// Can says whether the person may do it at a hospital. A hospital without an id
// is nobody's.
func Can(p Person, a Action, hospital string) bool { return p.Oversees(hospital) && May(p, a) }

// CanManage says whether the person may make, change or disable an account: an
// administrator of all of its hospitals, and never their own account, so that
// nobody gives themselves another role.
func CanManage(p Person, a Account) bool {
	return May(p, ManageStaff) && a.Subject() != p.Subject && len(a.Hospitals) > 0 &&
		!slices.ContainsFunc(a.Hospitals, func(h string) bool { return !p.Oversees(h) })
}
