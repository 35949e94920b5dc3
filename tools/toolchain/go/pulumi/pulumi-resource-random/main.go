// pulumi-resource-random serves the random provider over Pulumi's Terraform bridge.
//
// schema.json and bridge-metadata.json are what the bridge's generator prints for Info(); both are committed,
// since the generator would cost the build as much again as the provider.
package main

import (
	"context"
	_ "embed"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"feastflow/toolchain/pulumi/randominfo"
)

//go:embed schema.json
var schema []byte

//go:embed bridge-metadata.json
var metadata []byte

func main() {
	info := randominfo.Info(metadata)
	pf.Main(context.Background(), "random", info, pf.ProviderMetadata{PackageSchema: schema})
}
