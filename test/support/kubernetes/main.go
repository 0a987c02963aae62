// Renders Kustomize directories and checks what comes out: every object has known fields only, and
// every pod is held against the Pod Security levels. Prints one JSON object for all directories.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// What the test reads.
type rendering struct {
	YAML     string   `json:"yaml"`
	Problems []string `json:"problems"`
	Pods     []pod    `json:"pods"`
}

type pod struct {
	Name string `json:"name"`
	// What each level forbids; an empty list: allowed.
	Baseline   []string `json:"baseline"`
	Restricted []string `json:"restricted"`
	// The same for the bouncer's container alone.
	BouncerRestricted []string `json:"bouncerRestricted"`
}

func main() {
	found := map[string]rendering{}
	for _, directory := range os.Args[1:] {
		one, err := render(directory)
		if err != nil {
			fmt.Fprintf(os.Stderr, "Cannot render %s: %v\n", directory, err)
			os.Exit(1)
		}
		found[directory] = one
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		os.Exit(1)
	}
}

func render(directory string) (rendering, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), directory)
	if err != nil {
		return rendering{}, err
	}
	text, err := built.AsYaml()
	if err != nil {
		return rendering{}, err
	}
	out := rendering{YAML: string(text), Problems: []string{}, Pods: []pod{}}
	for _, resource := range built.Resources() {
		name := resource.GetKind() + " " + resource.GetName()
		object := typed(resource.GetApiVersion(), resource.GetKind())
		if object == nil {
			out.Problems = append(out.Problems, name+": this kind is not checked")
			continue
		}
		bytes, err := resource.AsYAML()
		if err == nil {
			err = yaml.UnmarshalStrict(bytes, object)
		}
		if err != nil {
			out.Problems = append(out.Problems, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		if template := templateOf(object); template != nil {
			checked, err := checkPod(name, template)
			if err != nil {
				return rendering{}, err
			}
			out.Pods = append(out.Pods, checked)
		}
	}
	return out, nil
}

func typed(version, kind string) any {
	switch version + " " + kind {
	case "v1 ConfigMap":
		return &core.ConfigMap{}
	case "v1 Secret":
		return &core.Secret{}
	case "v1 Service":
		return &core.Service{}
	case "v1 PersistentVolumeClaim":
		return &core.PersistentVolumeClaim{}
	case "apps/v1 Deployment":
		return &apps.Deployment{}
	case "apps/v1 StatefulSet":
		return &apps.StatefulSet{}
	case "networking.k8s.io/v1 NetworkPolicy":
		return &networking.NetworkPolicy{}
	case "policy/v1 PodDisruptionBudget":
		return &policy.PodDisruptionBudget{}
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return &monitoring.ServiceMonitor{}
	case "monitoring.coreos.com/v1 PrometheusRule":
		return &monitoring.PrometheusRule{}
	}
	return nil
}

func templateOf(object any) *core.PodTemplateSpec {
	switch owner := object.(type) {
	case *apps.Deployment:
		return &owner.Spec.Template
	case *apps.StatefulSet:
		return &owner.Spec.Template
	}
	return nil
}

func checkPod(name string, template *core.PodTemplateSpec) (pod, error) {
	evaluator, err := psa.NewEvaluator(psa.DefaultChecks())
	if err != nil {
		return pod{}, err
	}
	forbidden := func(level api.Level, spec *core.PodSpec) []string {
		list := []string{}
		version := api.LevelVersion{Level: level, Version: api.LatestVersion()}
		for _, result := range evaluator.EvaluatePod(version, &meta.ObjectMeta{}, spec) {
			if !result.Allowed {
				list = append(list, result.ForbiddenReason+": "+result.ForbiddenDetail)
			}
		}
		return list
	}
	alone := template.Spec.DeepCopy()
	alone.InitContainers, alone.Containers = nil, nil
	for _, container := range append(template.Spec.InitContainers, template.Spec.Containers...) {
		if container.Name == "bouncer" {
			alone.Containers = append(alone.Containers, container)
		}
	}
	return pod{
		Name:              name,
		Baseline:          forbidden(api.LevelBaseline, &template.Spec),
		Restricted:        forbidden(api.LevelRestricted, &template.Spec),
		BouncerRestricted: forbidden(api.LevelRestricted, alone),
	}, nil
}
