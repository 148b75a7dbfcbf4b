# shellcheck shell=bash
# ./test docs: runs the commands of README.md and docs/lesson.md as a reader would, each document in a fresh copy of this folder, so that
# the documents stay correct. Sourced by ../test.
#
# The first line of a fence says what is done with its content:
#   sh              typed into one shell, block after block; each command must succeed
#   sh terminal N   typed into terminal N, where it keeps running; the command that ran there before is stopped with Ctrl-C
#   text            the complete output of the sh block before it; … matches anything within a line, or, alone on a line, any lines.
#                   After a terminal N: lines that are in its output.
#                   0.… matches a measured number below 5, and 5.… one from 5 to 10, because a busy machine is slow
#   text terminal N lines that appear later in the output of terminal N
#   csharp FILE     lines that FILE contains
#
# The documents use the default ports of ./run; each is replaced by a free one.
# shellcheck disable=SC2154 # ../test sets here, state, bin, passed and failed

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
    text) [[ -e $block.claimed ]] || try "$block" report "This text follows no sh block." ;;
    mermaid) ;;
    *) try "$block" report "No test for a fence of this kind: $kind" ;;
    esac || return 0 # each block depends on those before: the others would only repeat the failure
  done
  try "" end_terminals || return 0
  rm -rf "$doc/copy"
}

# try BLOCK COMMAND…: runs and counts one step. Its name is its line number in the document and its first line.
try() {
  local block=$1 name="stops with Ctrl-C" began=$SECONDS
  [[ -z $block ]] || name="$document:$((10#$(basename "$block"))) $(head -n 1 "$block")"
  shift
  if "$@" >"$doc/why" 2>&1; then
    passed=$((passed + 1))
    say "  passed  $name ($((SECONDS - began)) s)"
  else
    failed=$((failed + 1))
    cat "$doc/why"
    say "  FAILED  $name"
    [[ ! -e $block.shown ]] || { say "Its output:"; tail -n 40 "$block.shown"; }
    return 1
  fi
}

report() { say "$1"; return 1; }

# Writes each fence to a file named by its line: NNNN. The text after the backticks goes to NNNN.kind.
read_blocks() {
  awk -v folder="$doc/blocks" '
    /^```/ && !inside { inside = 1; file = sprintf("%s/%04d", folder, NR); printf "%s", substr($0, 4) > (file ".kind"); printf "" > file; next }
    /^```/ { inside = 0; close(file); close(file ".kind"); next }
    inside { print > file }
  ' "$document"
  compgen -G "$doc/blocks/*.kind" >/dev/null || fail "$document has no fence: nothing to test"
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

# Copies what a clone would contain, and uncommitted changes. What ./test has already built and installed is not built again: dev/publish
# and the catcher detect that it is up to date.
copy_project() {
  local file files
  dev/mail/catcher install
  mapfile -d '' files < <(git ls-files -z --cached --others --exclude-standard)
  for file in "${files[@]}"; do
    [[ ! -e $file ]] || cp -p --parents -t "$doc/copy" "$file" # keep the file time, which dev/publish compares
  done
  mkdir -p "$doc/copy/.run"
  dev/publish "$state/bin-of-run" beforehand >"$state/logs/publish-of-run.log" 2>&1 || fail "The services were not built. See $state/logs/publish-of-run.log"
  cp -a "$state/bin-of-run" "$doc/copy/.run/bin"
  mkdir -p "$doc/copy/artifacts"
  cp -a artifacts/tool "$doc/copy/artifacts/"
  cp -al dev/mail/node_modules "$doc/copy/dev/mail/"
}

# Prints the text block that directly follows BLOCK, if there is one.
following_text() {
  local next
  next=$(find "$doc/blocks" -name '*.kind' | sort | grep -A 1 -F "$1.kind" | tail -n 1)
  next=${next%.kind}
  [[ $(<"$1.kind") != sh* || $next == "$1" || $(<"$next.kind") != text ]] || {
    touch "$next.claimed"
    say "$next"
  }
}

# as_reader COMMAND…: runs a command in the copy, in its own session. Resets SIGINT and SIGQUIT,
# which a script's background processes ignore.
as_reader() {
  cd "$doc/copy" || return 1
  # No Docker engine, so that ./run behaves as on a machine without Docker; ./test compose covers the other case.
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
  wait_until "$doc_longest" done_or_gone "$1.done" "$doc_shell" || report "It did not end within $doc_longest s." || return 1
  [[ -e $1.done ]] || report "A command failed." || return 1
  [[ -z ${2:-} ]] || shows all "$1.shown" "$2"
}
done_or_gone() { [[ -e $1 ]] || gone "$2"; }

in_terminal() { # N BLOCK [TEXT]
  end_terminal "$1" || return 1
  [[ -n ${3:-} ]] || report "No text block follows that shows when it is ready." || return 1
  terminal_shown[$1]=$2.shown
  : >"$2.shown"
  as_reader bash -c "$(<"$2")" >"$2.shown" 2>&1 </dev/null &
  terminal[$1]=$!
  in_shown_terminal "$1" "$3"
}

in_shown_terminal() { # N TEXT
  [[ -n ${terminal[$1]:-} ]] || report "Nothing is running in terminal $1." || return 1
  wait_until "$doc_longest" shows_or_gone "${terminal_shown[$1]}" "$2" "${terminal[$1]}" || true
  shows some "${terminal_shown[$1]}" "$2" || { say "Output of terminal $1:"; tail -n 40 "${terminal_shown[$1]}"; return 1; }
}
shows_or_gone() { shows some "$1" "$2" >/dev/null || gone "$3"; }

end_terminals() {
  local number
  for number in "${!terminal[@]}"; do end_terminal "$number" || return 1; done
}

# Like a terminal: Ctrl-C goes to all processes in the foreground.
end_terminal() {
  local pid=${terminal[$1]:-}
  unset "terminal[$1]"
  running "$pid" || return 0
  kill -INT -- "-$pid"
  wait_until 60 gone "$pid" || { kill -KILL -- "-$pid"; report "The command in terminal $1 did not stop within 60 s of Ctrl-C."; }
}

in_file() { # FILE BLOCK
  [[ -e $1 ]] || report "$1 not found." || return 1
  shows some "$1" "$2"
}

# shows all|some FILE TEXT: succeeds if FILE matches TEXT, completely or in part. Several spaces count as one, because the width of a
# table depends on its content. Empty lines are ignored.
shows() {
  local any_lines=$'([^\n]*\n)*' found line wanted='^'
  found=$(plain "$2")$'\n'
  [[ $1 == all ]] || wanted+=$any_lines
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line == … ]]; then wanted+=$any_lines; else wanted+=$(pattern "$line")$'\n'; fi
    [[ $found =~ $wanted ]] || report "Missing from the output, or in another place: $line" || return 1
  done < <(plain "$3")
  [[ $1 == some || $found =~ $wanted$ ]] || report "The output has more lines."
}
plain() { sed -E 's/[[:space:]]+/ /g; s/^ //; s/ $//; /^$/d' "$1"; }
pattern() {
  local escaped anything=$'[^\n]*'
  # shellcheck disable=SC2016 # characters, not variables
  escaped=$(sed -E 's/[][\\*.?+^$(){}|]/\\&/g; s/\<0\\\.…/[0-4]\\.[0-9]+/g; s/\<5\\\.…/[5-9]\\.[0-9]+/g' <<<"$1")
  say "${escaped//…/"$anything"}"
}

# Called at the end of ./test, also after a failure or a signal.
doc_away() {
  [[ -n $doc ]] || return 0
  end_terminals || true
  {
    kill -KILL -- "-$doc_shell"
    wait "$doc_shell"
  } 2>/dev/null || true
  doc_leftovers
}

# Stops what a killed ./run left behind.
doc_leftovers() {
  local pid run=$doc/copy/.run
  if pid=$(service_of "$run/web.pid" "$run/bin/Web"); then end "$pid" 5; fi
  if pid=$(service_of "$run/consumers.pid" "$run/bin/Consumers"); then end "$pid" 5; fi
  [[ ! -e $run/catcher ]] || dev/mail/catcher stop "$run/catcher"
  [[ ! -e $run/broker ]] || dev/broker remove "$run/broker"
}
