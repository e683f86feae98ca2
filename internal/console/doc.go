// Package console is the pages on which a hospital's staff decide review
// cases, find payments and look after maintenance windows.
//
// The pages are made on the server and work without scripts; htmx, which is
// embedded, makes some of them quicker. Nothing is loaded from elsewhere, and
// the content security policy forbids it.
//
// A request passes one chain before a page's handler sees it: who is it
// (session), does the form come from one of our own pages (csrf), may the
// person do such a thing anywhere (the route's action). The handler then asks
// whether the person may do it at the hospital of the object in question
// (page.require). What a role may not do is not linked, and refused all the
// same; an object of another hospital does not exist, as far as answers tell.
//
// People sign in with an account of this installation or at an OpenID Connect
// issuer. Either ends in a session that the books keep: the browser has a
// random token, the books its hash.
//
// Handlers reach payments through Books and Engine; the package knows no
// workflow. Everything in it is safe for concurrent use.
package console
