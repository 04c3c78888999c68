#compdef carillon
# Completion of carillon for zsh: source <(carillon completion zsh)
_carillon() {
  local line
  local -a lines offers
  lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${lines[1]} == :files ]]; then
    compset -P '*='
    _files
    return
  fi
  for line in $lines; do
    offers+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  _describe carillon offers
}
if [[ ${funcstack[1]} == _carillon ]]; then
  _carillon "$@"
else
  compdef _carillon carillon
fi
