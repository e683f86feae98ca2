// Package wechat plays WeChat Pay's API v3 towards a merchant: JSAPI and Native
// orders, query, close, refund, refund query, platform certificates, and the
// notifications of payments and refunds.
//
// The idea is a platform that trusts nothing but signatures and its own books.
// Each request's Authorization is checked against the merchant's public key
// before its body is looked at; each 2xx reply and each notification is signed
// with the platform's key of that merchant. A merchant is onboarded in one of
// two modes, as new and old merchants are in reality: with a WeChat Pay public
// key, or with a platform certificate that it downloads.
//
// The patient's side is played too: [Server.PatientPays] is the WeChat app, and
// the route /patients/jsapi of the admin interface is the page that calls the
// app with the parameters that the merchant signed.
//
// Facts of the protocol are from WeChat Pay's merchant documentation,
// https://pay.weixin.qq.com/doc/v3/merchant/; comments name its pages by their
// titles. Amounts are integer fen.
package wechat
