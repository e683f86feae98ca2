// Package voucher is what a patient shows at the counter: a code to read out,
// a signed token in a QR code, and a picture with both.
//
// The code is random, so that nobody can make one up, and short enough to be
// read aloud; its last character finds a slip of the tongue. The token is the
// same voucher signed for one hospital, so that a counter without a network
// can tell a real voucher from a forged one. Only the books know what a
// voucher is worth now: the picture says so by its watermark, as of when it
// was drawn. No name but the masked one is in any of them.
package voucher
