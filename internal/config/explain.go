package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// What the YAML library says of a value or a key, by line and by Go's types. A
// person who runs a hospital's installation knows neither.
var (
	wrongValue = regexp.MustCompile("(?s)^line (\\d+): cannot unmarshal !!\\S+ (?:`(.*)` )?into (\\S+)$")
	unknownKey = regexp.MustCompile(`(?s)^line (\d+): field (.*) not found in type \S+$`)
	repeated   = regexp.MustCompile(`(?s)^line (\d+): mapping key "(.*)" already defined at line (\d+)$`)
)

// explain says the same as the YAML library's error with the keys' full names.
// What it does not know stays as it is.
func explain(raw []byte, err error) error {
	var wrong *yaml.TypeError
	var document yaml.Node
	if !errors.As(err, &wrong) || yaml.Unmarshal(raw, &document) != nil {
		return err
	}
	var all places
	all.walk(&document, "")
	var errs []error
	for _, text := range wrong.Errors {
		if m := wrongValue.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("line %s: %s has to be %s", m[1], all.value(m[1], m[2]), kind(m[3]))
		} else if m := unknownKey.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("line %s: there is no key %s", m[1], all.key(m[1], m[2]))
		} else if m := repeated.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("line %s: %s is there already, in line %s", m[1], all.key(m[1], m[2]), m[3])
		}
		errs = append(errs, errors.New(text))
	}
	return errors.Join(errs...)
}

// kind is a Go type for people.
func kind(goType string) string {
	switch {
	case goType == "time.Duration":
		return "a time such as 800ms, 10s or 5m"
	case goType == "int", goType == "int64":
		return "a whole number"
	case goType == "bool":
		return "true or false"
	case goType == "string":
		return "text"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	}
	return "keys with values"
}

// place is a key of the file, or an element of a list.
type place struct {
	keyLine, valueLine int
	name, path, value  string // value of a scalar alone
}

type places []place

// walk goes through a document as it is written, with the full name of each
// place; hospitals are named by their ids. Aliases are left alone: what they
// mean stands elsewhere.
func (ps *places) walk(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, child := range n.Content {
			ps.walk(child, path)
		}
	case yaml.SequenceNode:
		for i, child := range n.Content {
			ps.add(child.Line, child, "", path+"["+elementName(child, i)+"]")
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, name := n.Content[i], n.Content[i].Value
			ps.add(key.Line, n.Content[i+1], name, strings.TrimPrefix(path+"."+name, "."))
		}
	}
}

func (ps *places) add(keyLine int, value *yaml.Node, name, path string) {
	p := place{keyLine: keyLine, valueLine: value.Line, name: name, path: path}
	if value.Kind == yaml.ScalarNode {
		p.value = value.Value
	}
	*ps = append(*ps, p)
	ps.walk(value, path)
}

func elementName(n *yaml.Node, i int) string {
	if n.Kind == yaml.MappingNode {
		for k := 0; k+1 < len(n.Content); k += 2 {
			if n.Content[k].Value == "id" && n.Content[k+1].Value != "" {
				return n.Content[k+1].Value
			}
		}
	}
	return strconv.Itoa(i + 1)
}

// value finds the place of a value, of which the library shows the beginning.
func (ps places) value(line, shown string) string {
	begin := strings.TrimSuffix(shown, "...")
	found := "the configuration"
	for _, p := range ps {
		if strconv.Itoa(p.valueLine) != line {
			continue
		}
		if begin != "" && strings.HasPrefix(p.value, begin) {
			return p.path
		}
		if found == "the configuration" || p.value == "" && begin == "" {
			found = p.path // of several in one line, the innermost without a value of its own
		}
	}
	return found
}

func (ps places) key(line, name string) string {
	for _, p := range ps {
		if strconv.Itoa(p.keyLine) == line && p.name == name {
			return p.path
		}
	}
	return name
}
