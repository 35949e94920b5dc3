// compile compiles ValidatingAdmissionPolicies as API servers of several versions do when a policy is created,
// without any of them: a JSON list of policies on standard input, a JSON list of findings on standard output.
//
// A server takes of new expressions what the version before it knows, so that it can be rolled back:
// https://pkg.go.dev/k8s.io/apiserver/pkg/cel/environment#DefaultCompatibilityVersion
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/version"
	plugin "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

type finding struct {
	Version string `json:"version"`
	Policy  string `json:"policy"`
	Place   string `json:"place"`
	Message string `json:"message"`
}

type verdict struct {
	Findings []finding `json:"findings"`
	Compiled int       `json:"compiled"`
}

type expression struct {
	name, text string
	types      []*cel.Type
}

func (e expression) GetName() string          { return e.name }
func (e expression) GetExpression() string    { return e.text }
func (e expression) ReturnTypes() []*cel.Type { return e.types }

func main() {
	versions := flag.String("versions", "", "versions of API servers, such as 1.33,1.34")
	flag.Parse()
	log.SetFlags(0)
	said, err := run(strings.Split(*versions, ","))
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		log.Fatal(err)
	}
}

func run(versions []string) (*verdict, error) {
	var policies []admissionv1.ValidatingAdmissionPolicy
	if err := json.NewDecoder(os.Stdin).Decode(&policies); err != nil {
		return nil, err
	}
	said := &verdict{Findings: []finding{}}
	for _, name := range versions {
		server, err := version.ParseGeneric(name)
		if err != nil {
			return nil, err
		}
		for _, policy := range policies {
			if err := said.compile(name, server.SubtractMinor(1), policy); err != nil {
				return nil, err
			}
		}
	}
	return said, nil
}

func (v *verdict) compile(server string, known *version.Version, policy admissionv1.ValidatingAdmissionPolicy) error {
	compiler, err := plugin.NewCompositedCompiler(environment.MustBaseEnvSet(known))
	if err != nil {
		return err
	}
	judge := func(result plugin.CompilationResult, place string) {
		v.Compiled++
		if result.Error != nil {
			v.Findings = append(v.Findings, finding{
				Version: server, Policy: policy.Name, Place: place, Message: result.Error.Error(),
			})
		}
	}
	options := plugin.OptionalVariableDeclarations{HasParams: policy.Spec.ParamKind != nil, HasAuthorizer: true}
	compile := func(place, text string, returned *cel.Type) {
		if text != "" {
			own := expression{text: text, types: []*cel.Type{returned}}
			judge(compiler.CompileCELExpression(own, options, environment.NewExpressions), place)
		}
	}
	// Match conditions know no variables.
	for _, each := range policy.Spec.MatchConditions {
		compile("matchConditions "+each.Name, each.Expression, cel.BoolType)
	}
	for _, each := range policy.Spec.Variables {
		own := expression{name: each.Name, text: each.Expression, types: []*cel.Type{cel.AnyType, cel.DynType}}
		judge(
			compiler.CompileAndStoreVariable(own, options, environment.NewExpressions), "variables "+each.Name,
		)
	}
	for index, each := range policy.Spec.Validations {
		place := fmt.Sprintf("validations[%d]", index)
		compile(place, each.Expression, cel.BoolType)
		compile(place+".messageExpression", each.MessageExpression, cel.StringType)
	}
	for _, each := range policy.Spec.AuditAnnotations {
		compile("auditAnnotations "+each.Key, each.ValueExpression, cel.StringType)
	}
	return nil
}
