// Package api is the HTTP interface: what booking backends, their patients'
// apps, support staff and the channels' notifications call.
//
// A handler here decides nothing about a payment. It knows who asks (an API
// key, scoped to hospitals), checks what was sent, and hands it to the Engine,
// which is the workflow behind an interface; what it reads comes from the
// Books, which are the database behind another. Errors are RFC 9457 problem
// details with stable codes, in the caller's language.
//
// The JSON itself is package wire. The OpenAPI description at /openapi.json is
// made from the same Go types that the handlers take, so it cannot drift.
package api
