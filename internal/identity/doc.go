// Package identity proves that a patient is who they say: by a code sent to
// their phone (SMS) and by WeChat's face check (Face). Both are small
// interfaces with one client each for a service that answers over HTTP.
//
// The clients send and ask; they do not remember. How often a code may be
// sent or tried, and for how long it counts, are rules of the caller, who keeps
// the codes. Errors are *payment.Failure of the systems "sms" and "face", and
// no error has a phone number, a name, an ID number or a token in it.
package identity
