// Package scenario plays registrations on a running installation: invented
// patients, their orders, and what they do in order to pay.
//
// The integration tests and the recorder of workflow histories both speak
// through it, so that what is recorded is what is tested. Everything goes
// through the HTTP API and the sandbox's admin interface; nothing here knows
// how regpay does its work.
package scenario
