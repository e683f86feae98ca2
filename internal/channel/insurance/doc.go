// Package insurance charges a patient's medical insurance by the national
// mobile payment platform (医保移动支付): 6201 fee upload, 6202 pay order, 6301
// result query, 6401 revoke, 6203 refund, and the platform's notice 6302, in an
// envelope signed with SM2 and encrypted with SM4.
//
// # Two steps, then clearing
//
// A charge is an upload and a pay order. What either answers is never "paid":
// Prepay reports InClearing, and 6301 or 6302 tells the settlement. Some
// platforms settle within the pay order: where its reply says so, Prepay asks
// 6301 at once, and reports Captured when that agrees. The upload moves no
// money, and the platform answers a repeated one of the same number and body
// with the same payOrdId. So the body is made of the Charge alone, and where the
// first reply was lost (no Handle) every call begins by repeating the upload. A
// pay order is sent again only after 6301 said that the platform has none
// (ordStas 0), so that a lost reply never pays twice.
//
// A refused upload, when there was an earlier try, is reported as Uncertain: it
// does not tell whether that try got as far as the pay order. The one exception
// is a refusal that says the number was revoked (Config.RevokedCodes).
//
// # Amounts
//
// Yuan with two decimals, sent as strings; both strings and numbers are read.
// The Charge's Total is uploaded whole, since the platform settles an order and
// not a part: Amount is what the insurance is to cover, Total - Amount what the
// patient pays by another tender. What the platform settled is reported as it
// says (Split); that it matches is for the caller to check.
//
// # Refunds
//
// What the insurance paid goes back as a whole with the very split it was
// settled in: as refdType ALL, or as HI where the patient paid the rest by
// another tender, since the platform never held that money. A part is refused
// as Final: how account and fund would share it is a rule of each province, and
// a guess would leave the fund's books wrong.
//
// The platform has no query for a refund. Repeating 6203 would answer, but would
// also send it where it never had been, so QueryRefund reads the order's state
// by 6301 instead: refunded is RefundSucceeded; settled is RefundAbsent, and a
// repeat of Refund with the same number then returns the first result.
//
// # What provinces differ in
//
// Path prefix, version, timestamp format and constant upload fields are
// configuration. Platform texts are never passed on: they can name the patient.
package insurance
