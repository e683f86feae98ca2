// Package inbound is what the API and the console make of any HTTP request
// before they know what it asks for: the number under which it is logged, the
// template of its path, and the language of who asks. All of it is safe to log;
// paths, queries and bodies as sent are not, since they hold ids and personal
// data.
package inbound
