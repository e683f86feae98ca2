// Package insurance plays the mobile payment platform of the national medical
// insurance towards a hospital: fee upload 6201, pay order 6202, refund 6203,
// query 6301, settlement notice 6302 and revoke 6401, in the envelope that is
// signed with SM2 and encrypted with SM4. It plays the authorisation by the
// patient's electronic certificate too.
//
// The idea: the platform accepts at once and clears later. What 6201 and 6202
// answer with success is never "paid"; an order's ordStas, read by 6301 or
// told by 6302, says what became of it.
//
// # Envelope
//
// {appId, encType SM4, signType SM2, version 2.0.1, timestamp, encData,
// signData}; the signature is over the plain text. Empty values are dropped
// from the inside out before signing: an object that holds nothing but empty
// values is dropped too. A timestamp may be ten minutes off. A reply adds code
// (0 is success), success and message; what cannot be attributed to a
// registered application is refused in plain JSON without a signature. Public
// texts fix no code but 0; those used here are in refusal.go.
//
// # Orders
//
// ordStas as public integrations name them: 0 uploaded, 1 pre-settled (6202
// accepted), 2 clearing, 6 settled, 7 refunded, 8 insurance part refunded, 9
// cash refunded, 10 cash refunded in part, 11 insurance part refunded and cash
// in part, 12 revoked, 15 settlement failed, 17–25 a person must look.
//
//   - 6201: the details' detItemFeeSumamt add up to medfeeSumamt, and so do
//     inscpScpAmt, fulamtOwnpayAmt, preselfpayAmt and overlmtSelfpayAmt (which
//     may be missing). A resident identity number (idType 01) must have the
//     right check character. The same medOrgOrd with the same data gives the
//     same payOrdId and payToken again, so a lost reply is repaired by sending
//     it again; with other data it is refused. extData.notifyUrl (extData as an
//     object or as a JSON string) is where the notice goes.
//   - 6202: cash is what is not covered; of what is covered the fund pays 70 %
//     and the personal account the rest, which is cash when acctUsedFlag is 0.
//     The patient's authorisation is what pays: clearing takes the configured
//     time and ends in 6 or 15, or in 17–25 until a person settles it at PUT
//     /insurance/orders/{medOrgOrd}. Sending it again shows the present state
//     and clears nothing twice. A patient who abandons leaves ordStas at 1.
//     With the fault settles_in_call an order whose patient acts at once is
//     decided before the reply, which then has its end: 6, 15 or 17–25.
//   - 6203: ALL must equal the original splits and be the first refund; CASH
//     may be partial; HI takes back the insurance's part as a whole, since a
//     settlement is reversed and not reduced. There is no query of a refund: the
//     same appRefdSn with the same money returns the first result, whatever
//     authorisation it carries, and 6301 shows the refunded state. Both find the
//     outcome after a lost reply.
//   - 6401 revokes what has not been cleared: ordStas 0, 1 or 15; again is
//     allowed.
//   - 6302 is sent when an order settles, signed and encrypted like a reply,
//     and repeats until it is answered {"success":true}. A failure sends none.
//
// Amounts are yuan as strings with two decimals in replies; requests may use
// strings or numbers. The books count the whole fee as captured and show its
// division beside it; how much of it the platform paid itself is account + fund.
//
// # Authorisation
//
// POST /insurance/auth on the admin interface issues a payAuthNo with an
// ecToken, which are two names of one authorisation. It lives ten minutes and
// is used for one order: 6201 spends it, and 6202 and 6203 of that order may
// repeat it; otherwise they need a fresh one of the same person.
//
// The fault error with the code FAIL or EXP on the operation refund answers
// that refStatus without executing anything; any other code refuses.
package insurance
