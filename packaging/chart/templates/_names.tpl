{{- define "carillon.name" -}}
{{- if contains "carillon" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-carillon" (.Release.Name | trunc 40 | trimSuffix "-") }}{{ end }}
{{- end }}

{{- define "carillon.selector" -}}
app.kubernetes.io/name: carillon
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "carillon.labels" -}}
{{ include "carillon.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* The address of a node at which the others reach its store. */ -}}
{{- define "carillon.node" -}}
{{- $name := include "carillon.name" .root -}}
{{ printf "%s-%d.%s-nodes.%s.svc.%s:7400" $name .number $name .root.Release.Namespace .root.Values.clusterDomain }}
{{- end }}

{{- /* The settings of a node, as the server's configuration file. */ -}}
{{- define "carillon.settings" -}}
{{- $v := .root.Values -}}
{{- $settings := dict
    "data" "/var/lib/carillon"
    "listen" "0.0.0.0:8480"
    "metrics-listen" "0.0.0.0:9480"
    "public-url" $v.publicUrl
    "media-udp" (printf "0.0.0.0:%d" (int $v.media.udpPort))
    "media-tcp" (printf "0.0.0.0:%d" (int $v.media.tcpPort))
    "shutdown-timeout" (printf "%ds" (int $v.shutdownSeconds)) -}}
{{- if $v.trustedProxies }}{{ $_ := set $settings "trusted-proxies" $v.trustedProxies }}{{ end -}}
{{- if and $v.secret.name $v.secret.keyFile }}{{ $_ := set $settings "key-file" (printf "/etc/carillon/secret/%s" $v.secret.keyFile) }}{{ end -}}
{{- if $v.turn.enabled }}
  {{- $_ := set $settings "turn-udp" (printf "0.0.0.0:%d" (int $v.turn.port)) }}
  {{- $_ := set $settings "turn-tcp" (printf "0.0.0.0:%d" (int $v.turn.port)) }}
{{- end }}
{{- if eq $v.media.expose "loadBalancer" }}
  {{- $_ := set $settings "media-public-ip" (list (index $v.media.loadBalancers .number).address) }}
{{- end }}
{{- if gt (int $v.nodes) 1 }}
  {{- $peers := list }}
  {{- range $n := until (int $v.nodes) }}{{ $peers = append $peers (include "carillon.node" (dict "root" $.root "number" $n)) }}{{ end }}
  {{- $_ := set $settings "node" (printf "%s-%d" (include "carillon.name" .root) .number) }}
  {{- $_ := set $settings "cluster-listen" (include "carillon.node" .) }}
  {{- $_ := set $settings "cluster-peers" $peers }}
  {{- $_ := set $settings "cluster-secret-file" (printf "/etc/carillon/secret/%s" $v.secret.cluster) }}
{{- end }}
{{- merge $settings (deepCopy $v.settings) | toYaml }}
{{- end }}
