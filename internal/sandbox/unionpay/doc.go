// Package unionpay plays UnionPay's ACP 5.1.0 gateway towards a merchant.
//
// The idea: a transaction is identified by merId, orderId and txnTime; what the
// merchant learns synchronously is only whether it was taken, and what became
// of it is found by a query or told by a signed notification. The gateway
// believes nothing that the merchant's registered certificate did not sign, and
// signs everything it says with a certificate under a root of its own.
//
// # Endpoints
//
//   - POST /gateway/api/frontTransReq.do: a browser's form post (txnType 01).
//     Answers a cashier page; the patient then pays, through the sandbox's
//     patients or the page's own button. A refused form gives a page too, with
//     status 400 and the response code in data-resp-code.
//   - POST /gateway/api/backTransReq.do: 04 refund, 31 revoke, and 01 with
//     channelType 08, which answers a tn for the app (the real gateway takes
//     that one at appTransReq.do, which is served as well).
//   - POST /gateway/api/queryTrans.do: 00 query by orderId and txnTime
//     (txnSubType 00), or by queryId (txnSubType 02), as the gateway's page on
//     the query of a transaction's state has it.
//
// # Rules and where they come from
//
// The response codes are those of the interface's appendix (see codes.go).
// merId, orderId and txnTime together name one transaction, and an orderId may
// not be used twice on one trading day (the field's description in the official
// SDK): a second one is answered 12. The same front or app order with the same
// fields shows the same page or tn again as long as nobody has paid; a refund
// or revoke sent twice is answered 12 and must be queried. An order that nobody
// has paid is answered respCode 00 with origRespCode 05. A payment made at the
// cashier is notified only when it succeeds; refunds and revokes are notified
// either way, and here they succeed as soon as they are taken. Repeats follow
// after 1, 2, 4 and 5 minutes until HTTP 200.
//
// An unpaid order cannot be closed: payTimeout (yyyyMMddHHmmss) ends it. After
// that nobody can pay any more and a query says origRespCode 69. A failed
// attempt ends the order too (64). A patient who pays twice makes a second
// transaction under the same orderId with a queryId of its own, which the
// gateway is known to let through; a query by orderId shows the first one, a
// query by queryId each.
//
// Chosen where no text says it: a transaction's txnTime may be a day old and a
// quarter of an hour ahead; a certId that is not the merchant's is a bad
// signature (11), an unknown merId a merchant in the wrong state (31); a refund
// above what is left is 36; a refund after 90 days and a revoke outside the
// clearing day (23:00 to 23:00) are 39; what was revoked, or refunded before a
// revoke, is 45. Revokes stand among the refunds in the books.
//
// Replies are percent-encoded forms. The real gateway writes its synchronous
// replies (not its notifications) as k=v&k=v without any escaping, which the
// official SDKs read by cutting at & and the first =; [Server.RawReplies]
// answers like that.
package unionpay
