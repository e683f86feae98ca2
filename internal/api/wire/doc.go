// Package wire is the JSON of the HTTP API: what a booking backend sends and
// reads. It is apart from the domain so that either can change without the
// other, and so that a client needs nothing but this package.
//
// Amounts are whole fen of CNY in members that end in _fen. Times are RFC 3339
// and are sent in UTC. Personal data is accepted in full and given back masked.
package wire
