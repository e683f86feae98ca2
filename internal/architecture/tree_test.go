// Package architecture holds the rules of who may import whom, and a few more
// that a compiler does not know, as tests over the source itself.
package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/regpay/regpay/"

// source is one Go file.
type source struct {
	path    string // from the top of the repository
	dir     string
	test    bool
	imports []string
	syntax  *ast.File
	lines   int
}

// own are the imports of this module, without its name.
func (s source) own() []string {
	var all []string
	for _, i := range s.imports {
		if own, ok := strings.CutPrefix(i, module); ok {
			all = append(all, own)
		}
	}
	return all
}

// sources reads every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	top, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(top, "go.mod"))
	var all []source
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != top && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || hasModule(path)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		s, err := read(top, path)
		all = append(all, s)
		return err
	})
	require.NoError(t, err)
	require.Greater(t, len(all), 100, "the walk has lost its way")
	return all
}

// hasModule says whether a folder is a module of its own.
func hasModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func read(top, path string) (source, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return source{}, err
	}
	name, err := filepath.Rel(top, path)
	if err != nil {
		return source{}, err
	}
	s := source{path: filepath.ToSlash(name), dir: filepath.ToSlash(filepath.Dir(name)), test: strings.HasSuffix(name, "_test.go"),
		lines: strings.Count(string(body), "\n")}
	s.syntax, err = parser.ParseFile(token.NewFileSet(), path, body, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	for _, i := range s.syntax.Imports {
		value, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.imports = append(s.imports, value)
	}
	return s, nil
}

// within says whether a folder is one of the roots or below one.
func within(dir string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return dir == root || strings.HasPrefix(dir, root+"/")
	})
}

// calls says whether a file calls pkg.name, under whatever name it imports it.
func (s source) calls(pkg, name string) bool {
	local := ""
	for _, i := range s.syntax.Imports {
		if i.Path.Value == strconv.Quote(pkg) {
			local = filepath.Base(pkg)
			if i.Name != nil {
				local = i.Name.Name
			}
		}
	}
	if local == "" {
		return false
	}
	found := false
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if ok && sel.Sel.Name == name {
			x, ok := sel.X.(*ast.Ident)
			found = found || ok && x.Name == local
		}
		return !found
	})
	return found
}
