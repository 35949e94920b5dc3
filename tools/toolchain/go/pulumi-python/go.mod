module feastflow/toolchain/pulumi-python

go 1.24.7

// The last line in which the Python language host is a package of the SDK's module. It cannot share a module
// with the CLI, whose SDK is newer.
require github.com/pulumi/pulumi/sdk/v3 v3.79.0
