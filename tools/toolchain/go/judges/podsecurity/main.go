// podsecurity judges Kubernetes objects as the admission plugin PodSecurity does, without a cluster: a JSON list
// of objects on standard input, a JSON list of findings on standard output.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubejson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/pod-security-admission/admission"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

type finding struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Check   string `json:"check"`
	Message string `json:"message"`
}

type judge struct {
	decoder   *kubejson.Serializer
	extractor admission.DefaultPodSpecExtractor
	evaluator policy.Evaluator
	level     api.LevelVersion
	rejected  []rejection
}

type rejection struct {
	check  policy.CheckID
	result policy.CheckResult
}

func main() {
	level := flag.String("level", "restricted", "privileged, baseline or restricted")
	version := flag.String("version", "latest", "the version of the standards: latest, or v1.34")
	flag.Parse()
	log.SetFlags(0)
	findings, err := run(*level, *version)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(findings); err != nil {
		log.Fatal(err)
	}
}

func run(level, version string) ([]finding, error) {
	var objects []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		return nil, err
	}
	judge, err := newJudge(level, version)
	if err != nil {
		return nil, err
	}
	findings := []finding{}
	for _, object := range objects {
		found, err := judge.judge(object)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

func newJudge(level, version string) (*judge, error) {
	parsedLevel, err := api.ParseLevel(level)
	if err != nil {
		return nil, err
	}
	parsedVersion, err := api.ParseVersion(version)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	strict := kubejson.SerializerOptions{Strict: true}
	made := &judge{
		decoder: kubejson.NewSerializerWithOptions(kubejson.DefaultMetaFactory, scheme, scheme, strict),
		level:   api.LevelVersion{Level: parsedLevel, Version: parsedVersion},
	}
	made.evaluator, err = policy.NewEvaluator(made.checks(), nil)
	return made, err
}

// checks are the library's own. A result does not say which check it is of, so each is made to leave its name.
func (j *judge) checks() []policy.Check {
	checks := policy.DefaultChecks()
	for i := range checks {
		id := checks[i].ID
		for v := range checks[i].Versions {
			check := checks[i].Versions[v].CheckPod
			checks[i].Versions[v].CheckPod = func(pod *metav1.ObjectMeta, spec *corev1.PodSpec) policy.CheckResult {
				result := check(pod, spec)
				if !result.Allowed {
					j.rejected = append(j.rejected, rejection{id, result})
				}
				return result
			}
		}
	}
	return checks
}

func (j *judge) judge(raw []byte) ([]finding, error) {
	object, kind, err := j.decoder.Decode(raw, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		return nil, nil // of a group that has no pods
	}
	if err != nil {
		return nil, err
	}
	resource, _ := meta.UnsafeGuessKindToResource(*kind)
	if !j.extractor.HasPodSpec(resource.GroupResource()) {
		return nil, nil
	}
	pod, spec, err := j.extractor.ExtractPodSpec(object)
	if err != nil || spec == nil {
		return nil, err
	}
	named, err := meta.Accessor(object)
	if err != nil {
		return nil, err
	}
	j.rejected = nil
	j.evaluator.EvaluatePod(j.level, pod, spec)
	var findings []finding
	for _, rejected := range j.rejected {
		message := rejected.result.ForbiddenReason
		if detail := rejected.result.ForbiddenDetail; detail != "" {
			message = fmt.Sprintf("%s (%s)", message, detail)
		}
		findings = append(findings, finding{kind.Kind, named.GetName(), string(rejected.check), message})
	}
	return findings, nil
}
