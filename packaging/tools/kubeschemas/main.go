// Command kubeschemas writes the JSON schemas that kubeconform checks a chart
// with, without a network: they are made from the Go types of k8s.io/api, which
// the API server itself decodes with. A field that a type does not have is
// refused, and so is one of another type or the lack of one that is always there.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

type object = map[string]any

// kinds are those that the chart makes, by the names that kubeconform asks for:
// KIND-GROUP-VERSION.json.
func kinds() map[string]any {
	return map[string]any{
		"statefulset-apps-v1":           appsv1.StatefulSet{},
		"service-v1":                    corev1.Service{},
		"configmap-v1":                  corev1.ConfigMap{},
		"ingress-networking-v1":         networkingv1.Ingress{},
		"networkpolicy-networking-v1":   networkingv1.NetworkPolicy{},
		"poddisruptionbudget-policy-v1": policyv1.PodDisruptionBudget{},
	}
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("kubeschemas: ")
	into := flag.String("into", "", "folder to write to")
	flag.Parse()
	for name, kind := range kinds() {
		schema, err := json.Marshal(schemaOf(reflect.TypeOf(kind)))
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*into, name+".json"), schema, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// schemaOf describes what a value of the type looks like as JSON. None of the
// kinds' types contains itself.
func schemaOf(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return object{"type": []string{"string", "number"}}
	case reflect.TypeFor[intstr.IntOrString]():
		return object{"type": []string{"string", "integer"}}
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime]():
		return object{"type": []string{"string", "null"}}
	case reflect.TypeFor[metav1.FieldsV1]():
		return object{"type": "object"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Struct:
		return structSchema(t)
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string"} // base64
		}
		return object{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	}
	return object{"type": "integer"}
}

func structSchema(t reflect.Type) object {
	properties, required := object{}, []string{}
	addFields(t, properties, &required)
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 { // draft 4, which kubeconform takes schemas for, has no empty list here
		schema["required"] = required
	}
	return schema
}

// addFields adds a struct's fields, those of embedded ones as its own.
func addFields(t reflect.Type, properties object, required *[]string) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			addFields(field.Type, properties, required)
			continue
		}
		properties[name] = schemaOf(field.Type)
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
		}
	}
}
