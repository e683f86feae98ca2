// Package browser tests the review console as its users have it: in Chromium,
// without a window, on an installation of its own (see deploy/local).
//
// The idea is that nothing is taken for granted that a clerk would not know. A
// [desk] is one person's browser with cookies of its own; it reads pages,
// presses buttons and types. What then has to be true is asked of the API and
// the books. Pages are found by what they do (the form of a decision, the field
// of a reason), not by how they look or what they say, so that words and style
// can be changed freely.
//
// Every desk is watched while it works: a dialog, a script that fails, a
// violation of the content security policy or a request to anybody but the
// installation fails the test, whatever it was about.
//
// SCREENSHOTS=dir, an absolute path, writes pictures of every page in both
// languages, wide and narrow, and a case as it is printed: make screenshots.
package browser
