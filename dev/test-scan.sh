# shellcheck shell=bash
# ./test scan: scans Web with Debian's scanner wapiti, as Web runs in production: with HTTPS, and not as localhost, which has special
# rules. Scans once anonymously and once as a signed-in operator, on a broker with dead letters. Sourced by ../test.
#
# Modules left out: those that call a server on the internet (ssrf, xxe), need a third-party database (nikto, wapp), or guess names or
# passwords (buster, brute_login_form). Sign-ins are limited, which other tests check.
# shellcheck disable=SC2154 # ../test sets here, state, bin, passed and failed

scan_host=127.0.0.2
scan_modules=(backup blindsql timesql crlf csp csrf exec file htaccess http_headers methods permanentxss redirect shellshock sql xss)
scan_web='' scan_consumers=''

test_scan() {
  command -v wapiti >/dev/null || install_packages wapiti
  command -v openssl >/dev/null || install_packages openssl
  command -v curl >/dev/null || install_packages curl
  scan=$state/scan
  rm -rf "$scan"
  mkdir -p "$scan/keys"
  heading "a scan of Web"
  scan_it "serves HTTPS" start_scanned &&
    scan_it "has something to scan: a sent mail, dead letters, an operator" fill_scanned || return 0
  scan_it "has no finding above informational for an anonymous visitor" scan_as_stranger || true
  scan_it "has no finding above informational for an operator" scan_as_operator || true
  scan_it "has logged no error" no_error_logged || true
}

scan_it() { # NAME COMMAND…
  local name=$1 began=$SECONDS
  shift
  if "$@" >"$scan/what" 2>&1; then
    passed=$((passed + 1))
    say "  passed  it $name ($((SECONDS - began)) s)"
  else
    failed=$((failed + 1))
    tail -n 20 "$scan/what"
    say "  FAILED  it $name. All files: $scan"
    return 1
  fi
}

# Starts the services like ./run --local, with the production settings that a developer's machine lacks.
start_scanned() {
  local port consumers_port databases amqp=${WORKINIT_TEST_AMQP#*@}
  port=$(free_port) consumers_port=$(free_port)
  databases=(ConnectionStrings__Submissions="Data Source=$scan/submissions.db" ConnectionStrings__Deliveries="Data Source=$scan/deliveries.db")
  scanned=https://$scan_host:$port
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$scan_host" -addext "subjectAltName=IP:$scan_host" -keyout "$scan/key.pem" -out "$scan/certificate.pem" || return 1
  env -C "$bin/Consumers" ConnectionStrings__RabbitMq="amqp://topology:topology@$amqp" dotnet WorkinIt.Consumers.dll --deploy-topology || return 1
  env -C "$bin/Consumers" "${databases[@]}" dotnet WorkinIt.Consumers.dll --migrate || return 1
  env -C "$bin/Web" "${databases[@]}" dotnet WorkinIt.Web.dll --migrate || return 1
  setsid env -C "$bin/Web" "${databases[@]}" ASPNETCORE_URLS="$scanned" \
    Kestrel__Certificates__Default__Path="$scan/certificate.pem" Kestrel__Certificates__Default__KeyPath="$scan/key.pem" \
    ConnectionStrings__RabbitMq="amqp://web:web@$amqp" OptOut__Secret="$opt_out_secret" ConnectionStrings__DeadLetters="amqp://replay:replay@$amqp" \
    RabbitMqManagement__Url="$WORKINIT_TEST_MANAGEMENT" DataProtection__KeysDirectory="$scan/keys" \
    Limits__PerClientPerMinute=0 Limits__PerRecipientPerHour=0 \
    dotnet WorkinIt.Web.dll >"$scan/web.log" 2>&1 </dev/null 6>&- 8>&- & # no limits: they would reject most of the scanner's requests
  scan_web=$!
  setsid env -C "$bin/Consumers" "${databases[@]}" ASPNETCORE_URLS="http://127.0.0.1:$consumers_port" ConnectionStrings__RabbitMq="amqp://consumers:consumers@$amqp" \
    OptOut__Secret="$opt_out_secret" OptOut__Url=https://workinit.example \
    Smtp__Host=127.0.0.1 Smtp__Port="$WORKINIT_TEST_SMTP_PORT" Smtp__Security=None Smtp__From="WorkinIt <gifs@workinit.example>" \
    dotnet WorkinIt.Consumers.dll >"$scan/consumers.log" 2>&1 </dev/null 6>&- 8>&- &
  scan_consumers=$!
  wait_until 60 web_answers "$scanned/health/ready" && wait_until 60 answers_ok "$consumers_port" /health/ready
}

ask_web() { curl -sS -f -m 10 --cacert "$scan/certificate.pem" "$@"; }
web_answers() { ask_web -o /dev/null "$@"; }

fill_scanned() {
  local number page token
  submission=$(ask_web -H 'Content-Type: application/json' -d '{"email":"ann@example.org","thought":"<b>scanned</b>"}' "$scanned/api/submissions" | sed -nE 's/.*"id":"([^"]+)".*/\1/p')
  wait_until 30 is_sent || return 1
  for number in {1..30}; do # more than the operator's scan removes
    curl -sS -f -m 10 -u operator:operator -H 'Content-Type: application/json' -o /dev/null \
      -d "{\"properties\":{\"delivery_mode\":2,\"headers\":{\"MT-Fault-Message\":\"<script>alert($number)</script>\"}},\"routing_key\":\"send-gif-email_error\",\"payload\":\"{\\\"message\\\":{\\\"thought\\\":\\\"$number\\\"}}\",\"payload_encoding\":\"string\"}" \
      "$WORKINIT_TEST_MANAGEMENT/api/exchanges/%2F/amq.default/publish" || return 1
  done
  page=$(ask_web -c "$scan/cookies" "$scanned/dead-letters/sign-in")
  token=$(sed -nE 's/.*name="__RequestVerificationToken"[^>]* value="([^"]+)".*/\1/p' <<<"$page" | head -n 1)
  web_answers -b "$scan/cookies" -c "$scan/cookies" --data-urlencode username=operator --data-urlencode password=operator --data-urlencode "__RequestVerificationToken=$token" "$scanned/dead-letters/sign-in"
  operator_cookies=$(awk 'NF == 7 { printf "%s=%s; ", $6, $7 }' "$scan/cookies")
  [[ $operator_cookies == *WorkinIt.Operator=* ]] || { say "The operator was not signed in."; return 1; }
}
is_sent() { ask_web "$scanned/api/submissions/$submission" | grep -q '"state":"sent"'; }

# The modules that this version of wapiti has: in later versions, timesql is part of blindsql.
known_modules() {
  local module known=() list
  list=$(wapiti --list-modules 2>&1)
  for module; do
    ! grep -qE "^[[:space:]]+$module\b" <<<"$list" || known+=("$module")
  done
  (IFS=, && say "${known[*]}")
}

scan_as_stranger() {
  scan_by stranger 5 -u "$scanned/" -m "$(known_modules cookieflags "${scan_modules[@]}")" \
    -s "$scanned/submissions/$submission" -s "$scanned/api/submissions/$submission" -s "$scanned/api-reference" -s "$scanned/openapi/v1.json" -s "$scanned/dead-letters/sign-in"
}
# Cookies are sent as a header, so that a sign-out does not end the scan.
scan_as_operator() {
  scan_by operator 10 -u "$scanned/dead-letters/" -s "$scanned/dead-letters" -m "$(known_modules "${scan_modules[@]}")" -H "Cookie: $operator_cookies"
}

# scan_by WHO PAGES ARGUMENT…: fails if the scan found fewer pages than PAGES, because then it scanned nothing.
scan_by() {
  local who=$1 pages=$2 report=$scan/$1.json found
  shift 2
  timeout 300 wapiti "$@" --timeout 15 -d 3 --max-scan-time 30 --max-attack-time 8 -v 1 --no-bugreport \
    --store-session "$scan/$who.session" --store-config "$scan/$who.config" -f json -o "$report" >"$scan/$who.log" 2>&1 </dev/null || { tail -n 20 "$scan/$who.log"; return 1; }
  found=$(grep -Eo '^\[\+\] (GET|POST) [^ ?]+' "$scan/$who.log" | sort -u | wc -l)
  say "$found pages and forms"
  ((found >= pages)) || return 1
  # shellcheck disable=SC2016 # JavaScript, not variables
  node -e '
    const report = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    const found = ["vulnerabilities", "anomalies", "additionals"].flatMap(kind => Object.entries(report[kind]).flatMap(([name, all]) => all.map(one => ({ name, ...one }))));
    for (const { level, name, method, path, parameter, info } of found) console.log(`${level > 0 ? "FOUND" : "info"}  ${name}: ${method} ${path} ${parameter ?? ""}: ${info}`);
    process.exit(found.some(({ level }) => level > 0) ? 1 : 0);' "$report"
}

no_error_logged() {
  running "$scan_web" || { say "Web has exited."; return 1; }
  ! grep -E ' (ERR|FTL) ' "$scan/web.log"
}

# Called at the end of ./test, also after a failure or a signal.
scan_away() {
  local pid
  for pid in "$scan_web" "$scan_consumers"; do
    if running "$pid"; then end "$pid" 15; fi
  done
}
