#!/usr/bin/env bash
# Smoke test of docker-compose.yml: builds the images, brings the hub up beside whatever else runs here, sends
# messages from door to door with curl and mosquitto and the credentials of the first start, sees that nobody gets in without, kills a service and sees it return, and removes everything.
# Needs a container engine with compose, curl and mosquitto-clients.
set -euo pipefail
cd "$(dirname "$0")/../.."

offset=${TRIVIUM_SMOKE_OFFSET:-30000}
export COMPOSE_PROJECT_NAME=trivium-smoke COMPOSE_PROFILES=aedes
export TRIVIUM_MQTT_PORT=$((offset + 1883)) TRIVIUM_AEDES_PORT=$((offset + 1884)) TRIVIUM_WS_PORT=$((offset + 8083)) TRIVIUM_HTTP_PORT=$((offset + 8080))
export TRIVIUM_MQTT_TLS_PORT=$((offset + 8883)) TRIVIUM_WS_TLS_PORT=$((offset + 8084)) TRIVIUM_HTTP_TLS_PORT=$((offset + 8443))
export TRIVIUM_MQTT_ADMIN_PORT=$((offset + 9101)) TRIVIUM_WS_ADMIN_PORT=$((offset + 9102)) TRIVIUM_HTTP_ADMIN_PORT=$((offset + 9103))
export TRIVIUM_ROUTER_ADMIN_PORT=$((offset + 9104)) TRIVIUM_AEDES_ADMIN_PORT=$((offset + 9105))
http=http://127.0.0.1:$TRIVIUM_HTTP_PORT

work=$(mktemp -d)
listeners=()
began=$SECONDS
say() { printf 'smoke: %s (%d s)\n' "$*" $((SECONDS - began)); }

finish() {
  local code=$?
  if [ "$code" -ne 0 ]; then
    say "failed"
    for file in "$work"/*; do printf -- '--- %s\n' "${file##*/}"; tail -n 20 "$file"; done
    docker compose ps --all || true
    docker compose logs --no-color --tail 40 || true
  fi
  [ "${#listeners[@]}" -eq 0 ] || kill "${listeners[@]}" 2>/dev/null || true
  docker compose down --volumes --timeout 20 >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

# until_true SECONDS WHAT COMMAND...: asks again and again until the command succeeds.
until_true() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$end" ]; then say "waited in vain for $what"; return 1; fi
    sleep 0.2
  done
}
count() { docker compose logs --no-log-prefix credentials 2>/dev/null | grep -c 'key of an administrator' || true; }
credential() { docker compose logs --no-log-prefix credentials 2>/dev/null | sed -nE "s/$1/\\1/p" | head -n 1; }
shown() { [ -n "$(credential '^ *a device +device-1, password ([^ ]+).*$')" ]; }
ready() { curl -fsS -m 2 "http://127.0.0.1:$1/readyz"; }
has() { grep -qF -- "$2" "$work/$1"; }
subscribe() { # FILE PORT: an MQTT subscriber; mosquitto_sub -d says when it is subscribed
  stdbuf -oL mosquitto_sub -d -h 127.0.0.1 -p "$2" -u device-1 -P "$password" -i "device-1-$1" -q 1 -t 'smoke/#' -v >"$work/$1" 2>&1 &
  listeners+=($!)
  until_true 10 "the SUBACK of $1" has "$1" Subscribed
}

say 'building the images'
docker compose build --quiet
say 'starting'
docker compose up --detach --no-build >"$work/compose-up" 2>&1
for port in "$TRIVIUM_MQTT_ADMIN_PORT" "$TRIVIUM_WS_ADMIN_PORT" "$TRIVIUM_HTTP_ADMIN_PORT" "$TRIVIUM_ROUTER_ADMIN_PORT" "$TRIVIUM_AEDES_ADMIN_PORT"; do
  until_true 300 "/readyz on $port" ready "$port"
done
say 'all services are ready'

until_true 120 'the first credentials' shown
key=$(credential '^ *key of an administrator +(tvk_[^ ]+).*$')
password=$(credential '^ *a device +device-1, password ([^ ]+).*$')
bearer="Authorization: Bearer $key"
curl -fsS -H "$bearer" "$http/v1/devices" >/dev/null
say 'the first credentials let in'

for port in "$TRIVIUM_MQTT_PORT" "$TRIVIUM_AEDES_PORT"; do
  for who in '' '-u device-1 -P wrong'; do
    # shellcheck disable=SC2086
    if mosquitto_pub -h 127.0.0.1 -p "$port" $who -q 1 -t smoke/nobody -m x >"$work/refused" 2>&1; then say "MQTT on $port let in '$who'"; exit 1; fi
    grep -qiE 'refused|not authori[sz]ed|bad user' "$work/refused"
  done
done
for who in 'x-nobody: 1' 'Authorization: Bearer tvk_aaaaaaaaaaaa_wrong'; do
  [ "$(curl -sS -o /dev/null -w '%{http_code}' -H "$who" -d x "$http/topics/smoke/nobody?qos=1")" = 401 ]
done
docker compose exec -T ws-ingress node -e '
  const ws = new WebSocket("ws://127.0.0.1:8083", "trivium.v1");
  ws.onopen = () => ws.send(JSON.stringify({ op: "sub", id: 1, filters: [{ filter: "#", qos: 0 }] }));
  ws.onmessage = ({ data }) => JSON.parse(data).granted && process.exit(1);
  ws.onclose = () => process.exit(0);
  setTimeout(() => process.exit(2), 30_000);'
docker compose exec -T ws-ingress node -e '
  const socket = net.connect(4222, "nats", () => socket.write("CONNECT {\"verbose\":false}\r\nPING\r\n"));
  let said = "";
  socket.on("data", (data) => (said += data)).on("close", () => process.exit(/Authorization Violation/.test(said) ? 0 : 1));
  setTimeout(() => process.exit(2), 30_000);'
say 'without credentials nobody gets in, at MQTT, aedes, WebSocket, HTTP or NATS'

subscribe mqtt "$TRIVIUM_MQTT_PORT"
subscribe aedes "$TRIVIUM_AEDES_PORT"
curl -sSN -H "$bearer" -D "$work/headers" "$http/v1/stream?filter=smoke/%23" >"$work/sse" 2>&1 &
listeners+=($!)
until_true 10 'the event stream' grep -qi 'text/event-stream' "$work/headers"

curl -fsS -H "$bearer" -d 'from-http' "$http/topics/smoke/one?qos=1" | grep -qF '"OK"'
for subscriber in mqtt aedes sse; do until_true 10 "the HTTP publish at $subscriber" has "$subscriber" from-http; done
say 'a publish by HTTP reached MQTT, aedes and the event stream'

mosquitto_pub -h 127.0.0.1 -p "$TRIVIUM_MQTT_PORT" -u device-1 -P "$password" -i device-1-pub -q 1 -t smoke/two -m from-mqtt
for subscriber in mqtt aedes sse; do until_true 10 "the MQTT publish at $subscriber" has "$subscriber" from-mqtt; done
say 'a publish by MQTT reached MQTT, aedes and the event stream'

container=$(docker compose ps --quiet http-ingress)
restarted() { [ "$(docker inspect -f '{{.RestartCount}} {{.State.Health.Status}}' "$container")" = '1 healthy' ]; }
docker compose exec -T http-ingress node -e '
  for (const pid of fs.readdirSync("/proc").filter(Number))
    if (pid != process.pid && fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("node\0src/main.ts")) process.kill(pid, "SIGKILL")'
until_true 60 'http-ingress to return' restarted
curl -fsS -H "$bearer" -d 'after-kill' "$http/topics/smoke/three?qos=1" | grep -qF '"OK"'
for subscriber in mqtt aedes; do until_true 10 "the publish after the kill at $subscriber" has "$subscriber" after-kill; done
say 'a killed service returned and serves'

docker compose up --detach --no-build --force-recreate --no-deps init credentials >>"$work/compose-up" 2>&1
finished() { [ "$(docker compose ps --all --format '{{.State}} {{.ExitCode}}' credentials)" = 'exited 0' ]; }
until_true 60 'the second first start' finished
[ "$(count)" = 0 ]
curl -fsS -H "$bearer" "$http/v1/devices" >/dev/null
say 'a later start keeps the keys and shows none'

stopped=$SECONDS
docker compose stop --timeout 20 >/dev/null 2>&1
codes=$(docker compose ps --all --format '{{.Service}} {{.ExitCode}}' | grep -v ' 0$' | grep -v '^nats 1$' || true)
if [ -n "$codes" ]; then say "did not drain by themselves: $codes"; exit 1; fi
say "stopped in order in $((SECONDS - stopped)) s"
