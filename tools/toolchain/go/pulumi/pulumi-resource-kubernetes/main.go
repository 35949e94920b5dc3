// pulumi-resource-kubernetes serves Pulumi's Kubernetes provider from its published Go module.
//
// The provider's own main embeds two generated files that the module does not hold under those names;
// the build copies schema.json and terraform-mapping.json from the module beside this file.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, terraformMapping)
}
