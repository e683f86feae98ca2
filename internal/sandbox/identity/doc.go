// Package identity plays the two services through which a patient is recognised:
// an SMS gateway and WeChat's face check. Each hospital has an account at both.
//
// # SMS gateway
//
// POST /v1/messages with {"account","to","template","params":{"code":"123456"},"ref"}
// and the headers X-Timestamp (unix seconds, at most five minutes off) and X-Signature
// = lower hex HMAC-SHA256(key, timestamp + "\n" + body). ref is the sender's own number: the
// same message under the same ref is sent once and answered alike; another message
// under it is refused. A number gets at most 1 text a minute, 5 an hour and 10 a day from
// one account, counted over sliding windows; more is refused with 429 and Retry-After.
// Errors are {"code","message"}: 401 BAD_SIGNATURE, STALE_TIMESTAMP; 400 BAD_REQUEST,
// BAD_PHONE; 409 REF_CONFLICT; 415 BAD_REQUEST; 429 RATE_LIMITED.
//
// # Face check
//
// WeChat's mini program interface: POST /cityservice/face/identify/getverifyid and
// …/queryverifyinfo, both with ?access_token=. Every answer is HTTP 200 with an errcode,
// 0 for success. A check is passed only when errcode is 0 and verify_ret is 10000.
// Source: developers.weixin.qq.com, mini program server API, "face" (getVerifyId,
// queryVerifyInfo, and the notes of getFaceIdentifyImage for the hash).
//
// cert_hash proves that the asker knows the identity that was checked. It is made of the
// very cert_info given to getverifyid:
//
//	sha256hex("cert_type=" + b64(cert_type) + "&cert_name=" + b64(cert_name) + "&cert_no=" + b64(cert_no))
//
// where b64 is standard base64, with padding, of the UTF-8 bytes, nothing is URL-escaped,
// and the digest is written in lower-case hex. For IDENTITY_CARD, 张三, 310101199801011234 it
// is 3c241f7ff324977aeb91f173bb2a7b06569e6fd784d5573db34a636d8671108b.
//
// The official pages give no list of errcodes and no answer for a check that was not
// done yet. The codes here are those that integrators report (84001 invalid id, 84002 expired,
// 84003 no information, 84006 empty field); 84003 is the pending answer. 84008 (another
// cert_hash) and 84009 (out_seq_no used for something else) are this sandbox's own.
// A repeat of getverifyid with the same content is answered with the same verify_id.
//
// # Patients
//
// They read their text messages through the admin interface, and pass the face check when it is
// first asked for, unless told otherwise. An ID number that cannot exist
// (GB 11643-1999 check digit or date) is in no register, so its check ends with a mismatch.
//
// All of it is safe for concurrent use. Phone numbers, names and ID numbers appear in
// no error, log or book.
package identity
