// Package unionpay charges by UnionPay's ACP gateway, version 5.1.0: a form
// that the patient's browser posts (scene front) or a tn for the app's control
// (scene app), refunds, queries and back-end notifications.
//
// # Identity
//
// A transaction is known to ACP by orderId and txnTime together, so both come
// from the Charge (MerchantNo, CreatedAt) or the Refund (No, RequestedAt), and
// never from this package's own clock: a repeat is then the same transaction.
// Times on the wire are Asia/Shanghai.
//
// # No close
//
// ACP cannot close an order; it stops taking a payment at payTimeout, which is
// the Charge's ExpiresAt. Until ExpiresAt plus Config.CloseMargin an unpaid
// order counts as Open, whatever the gateway says of it: "unknown" because the
// browser may not have posted the form yet, "failed" because the cashier's page
// lets the patient try another card under the same order. Once the margin has
// passed a query decides, and Close reports an order that is unknown then as
// Closed. Paid is believed at any time.
//
// # Refund, never revoke
//
// Money goes back by a refund (04) alone. A revoke (31) would be faster within
// the clearing day, but it takes whole amounts only and is refused from 23:00
// on, when the day is cut. Whether it was in time is not known until its answer
// is, and a second kind of request under another number would then have to
// follow: two ways to return the same money twice. Refunds have one rule for 90
// days. Notifications of a revoke are read all the same.
//
// # Trust
//
// Every reply and notification carries the certificate that it is signed with.
// It counts only when it chains through the middle to the root certificate, is
// valid at the clock's time, and names UnionPay in the third part of its CN.
// What does not verify is as good as no reply: the outcome is Uncertain.
package unionpay
