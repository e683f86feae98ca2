package privacy

import "strings"

// MaskName keeps the first character, as the field masks names: 张**.
func MaskName(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return ""
	}
	return string(r[0]) + strings.Repeat("*", min(max(len(r)-1, 1), 4))
}

// MaskPhone keeps the first three and the last four characters: 138****5678.
func MaskPhone(s string) string { return ends(s, 3, 4) }

// MaskID does the same for the number of an identity document.
func MaskID(s string) string { return ends(s, 3, 4) }

// ends masks all but the first and the last characters, and everything where
// too little would be left to mask.
func ends(s string, first, last int) string {
	r := []rune(s)
	if len(r) < first+last+2 {
		return strings.Repeat("*", len(r))
	}
	hidden := strings.Repeat("*", len(r)-first-last)
	return string(r[:first]) + hidden + string(r[len(r)-last:])
}
