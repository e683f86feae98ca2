// Package docs holds the documents beside it to the code: what README and the
// pages here show has to be what the programs take and give.
package docs
