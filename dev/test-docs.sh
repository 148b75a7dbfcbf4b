# shellcheck shell=bash
# ./test docs: README.md and docs/lesson.md as somebody goes through them, each in a fresh copy of this folder, so that no line of them
# rots. Sourced by ../test.
#
# The first line of a fence says what is done with what stands in it:
#   sh              typed into one shell, block after block; each command has to succeed
#   sh terminal N   typed into terminal N, where it stays; what ran there before is ended by Ctrl-C
#   text            all that the sh block before it shows; … stands for what varies in a line, alone on a line for any lines.
#                   After a terminal N: lines that it shows, among others.
#                   0.… is a measured number below 5, and 5.… one from 5 to 10: a machine with much to do is slow
#   text terminal N lines that terminal N shows, later
#   csharp FILE     lines that FILE has
#
# Their ports are those of a ./run without settings; each gives way to a free one.
# shellcheck disable=SC2154 # here, state, bin, passed and failed are test's

documents=(README.md docs/lesson.md)
declare -A doc_port_of=([8080]=WEB [8081]=CONSUMERS [5672]=AMQP [15672]=MANAGEMENT [1025]=SMTP [1080]=MAIL [8090]=SAMPLE)
declare -A terminal=() terminal_shown=()
doc_longest=180 # seconds that a block may take
document='' doc='' doc_ports=() doc_shell='' doc_sed=()

test_docs() {
  for document in "${documents[@]}"; do
    test_document
    doc_away
  done
}

test_document() {
  doc=$state/docs/$(basename "$document" .md)
  heading "$document"
  doc_leftovers
  rm -rf "$doc"
  mkdir -p "$doc/blocks" "$doc/copy"
  terminal=() terminal_shown=() doc_ports=() doc_sed=()
  choose_ports
  read_blocks
  copy_project
  open_shell
  local block kind text
  for block in "$doc"/blocks/*.kind; do
    block=${block%.kind} kind=$(<"$block.kind") text=$(following_text "$block")
    case $kind in
    sh) try "$block" in_shell "$block" "$text" ;;
    'sh terminal '[1-9]) try "$block" in_terminal "${kind##* }" "$block" "$text" ;;
    'csharp '*) try "$block" in_file "$here/${kind#csharp }" "$block" ;;
    'text terminal '[1-9]) try "$block" in_shown_terminal "${kind##* }" "$block" ;;
    text) [[ -e $block.claimed ]] || try "$block" told "This text follows no sh block." ;;
    mermaid) ;;
    *) try "$block" told "Nobody tests what a fence of this kind holds: $kind" ;;
    esac || return 0 # each block stands on those before: the rest would only say it again
  done
  try "" end_terminals || return 0
  rm -rf "$doc/copy"
}

# try BLOCK COMMAND…: one step that counts, named by its line in the document and what stands first in it.
try() {
  local block=$1 name="ends by Ctrl-C" began=$SECONDS
  [[ -z $block ]] || name="$document:$((10#$(basename "$block"))) $(head -n 1 "$block")"
  shift
  if "$@" >"$doc/why" 2>&1; then
    passed=$((passed + 1))
    say "  passed  $name ($((SECONDS - began)) s)"
  else
    failed=$((failed + 1))
    cat "$doc/why"
    say "  FAILED  $name"
    [[ ! -e $block.shown ]] || { say "It showed:"; tail -n 40 "$block.shown"; }
    return 1
  fi
}

told() { say "$1"; return 1; }

# Each fence into a file of its own, named by its line: NNNN, and NNNN.kind with what stands behind the backticks.
read_blocks() {
  awk -v folder="$doc/blocks" '
    /^```/ && !inside { inside = 1; file = sprintf("%s/%04d", folder, NR); printf "%s", substr($0, 4) > (file ".kind"); printf "" > file; next }
    /^```/ { inside = 0; close(file); close(file ".kind"); next }
    inside { print > file }
  ' "$document"
  compgen -G "$doc/blocks/*.kind" >/dev/null || fail "$document has no block: nothing to test"
  local block
  for block in "$doc"/blocks/*; do
    [[ $block == *.kind ]] || sed -i "${doc_sed[@]}" "$block"
  done
}

choose_ports() {
  local port taken=' ' free
  for port in "${!doc_port_of[@]}"; do
    until free=$(free_port) && [[ $taken != *" $free "* ]]; do :; done
    taken+="$free "
    doc_ports+=("WORKINIT_${doc_port_of[$port]}_PORT=$free")
    doc_sed+=(-e "s/localhost:$port\>/localhost:$free/g")
  done
}

# What a clone would have, changes that are not committed yet included. What ./test has built and installed already is not built
# again: dev/publish and the catcher tell by themselves that it fits.
copy_project() {
  local file files
  dev/mail/catcher install
  mapfile -d '' files < <(git ls-files -z --cached --others --exclude-standard)
  for file in "${files[@]}"; do
    [[ ! -e $file ]] || cp -p --parents -t "$doc/copy" "$file" # with its time, by which dev/publish knows it
  done
  mkdir -p "$doc/copy/.run"
  dev/publish "$state/bin-of-run" >"$state/logs/publish-of-run.log" 2>&1 || fail "The services are not built. Why: $state/logs/publish-of-run.log"
  cp -a "$state/bin-of-run" "$doc/copy/.run/bin"
  cp -al dev/mail/node_modules "$doc/copy/dev/mail/"
}

# The text block that follows BLOCK at once, if one does: no other block stands between.
following_text() {
  local next
  next=$(find "$doc/blocks" -name '*.kind' | sort | grep -A 1 -F "$1.kind" | tail -n 1)
  next=${next%.kind}
  [[ $(<"$1.kind") != sh* || $next == "$1" || $(<"$next.kind") != text ]] || {
    touch "$next.claimed"
    say "$next"
  }
}

# as_reader COMMAND…: in the copy, in a session of its own, and open to Ctrl-C, to which what a script starts in the background is deaf.
as_reader() {
  cd "$doc/copy" || return 1
  # No engine: ./run goes the way of a machine without Docker; ./test compose goes the other.
  exec setsid env --default-signal=INT,QUIT "${doc_ports[@]}" DOCKER_HOST=unix:///nowhere UseSharedCompilation=false "$@" 6>&- 8>&-
}

open_shell() {
  mkfifo "$doc/typed"
  exec {doc_typed}<>"$doc/typed"
  as_reader bash -eo pipefail <"$doc/typed" >/dev/null 2>&1 &
  doc_shell=$!
}

in_shell() { # BLOCK [TEXT]
  printf 'exec >%q 2>&1\n{\n%s\n} </dev/null\n: >%q\n' "$1.shown" "$(<"$1")" "$1.done" >&"$doc_typed"
  wait_until "$doc_longest" done_or_gone "$1.done" "$doc_shell" || told "It did not end within $doc_longest s." || return 1
  [[ -e $1.done ]] || told "A command failed." || return 1
  [[ -z ${2:-} ]] || shows all "$1.shown" "$2"
}
done_or_gone() { [[ -e $1 ]] || gone "$2"; }

in_terminal() { # N BLOCK [TEXT]
  end_terminal "$1" || return 1
  [[ -n ${3:-} ]] || told "No text says when it is ready." || return 1
  terminal_shown[$1]=$2.shown
  : >"$2.shown"
  as_reader bash -c "$(<"$2")" >"$2.shown" 2>&1 </dev/null &
  terminal[$1]=$!
  in_shown_terminal "$1" "$3"
}

in_shown_terminal() { # N TEXT
  [[ -n ${terminal[$1]:-} ]] || told "Nothing runs in terminal $1." || return 1
  wait_until "$doc_longest" shows_or_gone "${terminal_shown[$1]}" "$2" "${terminal[$1]}" || true
  shows some "${terminal_shown[$1]}" "$2" || { say "Terminal $1 showed:"; tail -n 40 "${terminal_shown[$1]}"; return 1; }
}
shows_or_gone() { shows some "$1" "$2" >/dev/null || gone "$3"; }

end_terminals() {
  local number
  for number in "${!terminal[@]}"; do end_terminal "$number" || return 1; done
}

# As a terminal does it: Ctrl-C goes to all that is in its foreground.
end_terminal() {
  local pid=${terminal[$1]:-}
  unset "terminal[$1]"
  running "$pid" || return 0
  kill -INT -- "-$pid"
  wait_until 60 gone "$pid" || { kill -KILL -- "-$pid"; told "What ran in terminal $1 did not end by Ctrl-C within 60 s."; }
}

in_file() { # FILE BLOCK
  [[ -e $1 ]] || told "There is no $1." || return 1
  shows some "$1" "$2"
}

# shows all|some FILE TEXT: whether FILE is what TEXT says, as a whole or somewhere. Spaces count as one, for tables are as wide as
# what is in them, and empty lines as none.
shows() {
  local any_lines=$'([^\n]*\n)*' found line wanted='^'
  found=$(plain "$2")$'\n'
  [[ $1 == all ]] || wanted+=$any_lines
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line == … ]]; then wanted+=$any_lines; else wanted+=$(pattern "$line")$'\n'; fi
    [[ $found =~ $wanted ]] || told "It does not show, or not here: $line" || return 1
  done < <(plain "$3")
  [[ $1 == some || $found =~ $wanted$ ]] || told "It shows more than that."
}
plain() { sed -E 's/[[:space:]]+/ /g; s/^ //; s/ $//; /^$/d' "$1"; }
pattern() {
  local escaped anything=$'[^\n]*'
  # shellcheck disable=SC2016 # characters, not variables
  escaped=$(sed -E 's/[][\\*.?+^$(){}|]/\\&/g; s/\<0\\\.…/[0-4]\\.[0-9]+/g; s/\<5\\\.…/[5-9]\\.[0-9]+/g' <<<"$1")
  say "${escaped//…/"$anything"}"
}

# Called at the end of ./test, however it comes.
doc_away() {
  [[ -n $doc ]] || return 0
  end_terminals || true
  {
    kill -KILL -- "-$doc_shell"
    wait "$doc_shell"
  } 2>/dev/null || true
  doc_leftovers
}

# Of a ./run that was killed.
doc_leftovers() {
  local pid run=$doc/copy/.run
  if pid=$(service_of "$run/web.pid" "$run/bin/Web"); then end "$pid" 5; fi
  if pid=$(service_of "$run/consumers.pid" "$run/bin/Consumers"); then end "$pid" 5; fi
  [[ ! -e $run/catcher ]] || dev/mail/catcher stop "$run/catcher"
  [[ ! -e $run/broker ]] || dev/broker remove "$run/broker"
}
