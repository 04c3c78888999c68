# Completion of carillon for fish: carillon completion fish | source
function __carillon_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l lines ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
  if test "$lines[1]" = ':files'
    set -l begun (string match -r '^--[^=]*=' -- "$current")
    __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current") | string replace -r -- '^' "$begun"
  else
    printf '%s\n' $lines
  end
end
complete -c carillon -f -a '(__carillon_complete)'
