package routing

import (
	"strings"

	"k8s.io/klog/v2"

	v1core "k8s.io/api/core/v1"
)

// disableSourceDestinationCheck stands in for upstream's, which links the whole of EC2's client: a tenth of what the
// cluster's programs compile, for machines of a cloud that a local cluster is not in. There it says so.
func (nrc *NetworkRoutingController) disableSourceDestinationCheck() {
	for _, obj := range nrc.nodeLister.List() {
		node, ok := obj.(*v1core.Node)
		if ok && strings.HasPrefix(node.Spec.ProviderID, "aws") {
			klog.Errorf("compiled without EC2's client: disable the source/destination check of %s yourself", node.Name)
		}
	}
}
