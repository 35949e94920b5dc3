package provider

import (
	"context"
	"errors"

	pulumischema "github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// parameterizedPackageMap stands in for upstream's, which holds SDKs generated from the definitions of custom
// resources. To generate them takes the API server's own libraries, a sixth of what the provider compiles; no
// program here asks for one.
type parameterizedPackageMap struct{}

func (*parameterizedPackageMap) get(_, _ string) *pulumischema.PackageSpec { return nil }

// Parameterize refuses.
func (*kubeProvider) Parameterize(
	context.Context, *pulumirpc.ParameterizeRequest,
) (*pulumirpc.ParameterizeResponse, error) {
	return nil, errors.New("this provider was compiled without SDKs for custom resources: take the official one")
}
