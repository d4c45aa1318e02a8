#!/usr/bin/env bash
# Smoke test of docker-compose.yml: builds the images, brings the hub up beside whatever else runs here, sends
# messages from door to door with curl and mosquitto, kills a service and sees it return, and removes everything.
# Needs a container engine with compose, curl and mosquitto-clients.
set -euo pipefail
cd "$(dirname "$0")/../.."

offset=${TRIVIUM_SMOKE_OFFSET:-30000}
export COMPOSE_PROJECT_NAME=trivium-smoke COMPOSE_PROFILES=aedes
export TRIVIUM_MQTT_PORT=$((offset + 1883)) TRIVIUM_AEDES_PORT=$((offset + 1884)) TRIVIUM_WS_PORT=$((offset + 8083)) TRIVIUM_HTTP_PORT=$((offset + 8080))
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
ready() { curl -fsS -m 2 "http://127.0.0.1:$1/readyz"; }
has() { grep -qF -- "$2" "$work/$1"; }
subscribe() { # FILE PORT: an MQTT subscriber; mosquitto_sub -d says when it is subscribed
  stdbuf -oL mosquitto_sub -d -h 127.0.0.1 -p "$2" -i "smoke-$1" -q 1 -t 'smoke/#' -v >"$work/$1" 2>&1 &
  listeners+=($!)
  until_true 10 "the SUBACK of $1" has "$1" Subscribed
}

say 'building the images'
docker compose build --quiet
say 'starting'
docker compose up --detach --no-build --wait --wait-timeout 120 >"$work/compose-up" 2>&1
for port in "$TRIVIUM_MQTT_ADMIN_PORT" "$TRIVIUM_WS_ADMIN_PORT" "$TRIVIUM_HTTP_ADMIN_PORT" "$TRIVIUM_ROUTER_ADMIN_PORT" "$TRIVIUM_AEDES_ADMIN_PORT"; do
  until_true 30 "/readyz on $port" ready "$port"
done
say 'all services are healthy and ready'

subscribe mqtt "$TRIVIUM_MQTT_PORT"
subscribe aedes "$TRIVIUM_AEDES_PORT"
curl -sSN -D "$work/headers" "$http/v1/stream?filter=smoke/%23" >"$work/sse" 2>&1 &
listeners+=($!)
until_true 10 'the event stream' grep -qi 'text/event-stream' "$work/headers"

curl -fsS -d 'from-http' "$http/topics/smoke/one?qos=1" | grep -qF '"OK"'
for subscriber in mqtt aedes sse; do until_true 10 "the HTTP publish at $subscriber" has "$subscriber" from-http; done
say 'a publish by HTTP reached MQTT, aedes and the event stream'

mosquitto_pub -h 127.0.0.1 -p "$TRIVIUM_MQTT_PORT" -q 1 -t smoke/two -m from-mqtt
for subscriber in mqtt aedes sse; do until_true 10 "the MQTT publish at $subscriber" has "$subscriber" from-mqtt; done
say 'a publish by MQTT reached MQTT, aedes and the event stream'

container=$(docker compose ps --quiet http-ingress)
restarted() { [ "$(docker inspect -f '{{.RestartCount}} {{.State.Health.Status}}' "$container")" = '1 healthy' ]; }
docker compose exec -T http-ingress node -e '
  for (const pid of fs.readdirSync("/proc").filter(Number))
    if (pid != process.pid && fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("node\0src/main.ts")) process.kill(pid, "SIGKILL")'
until_true 60 'http-ingress to return' restarted
curl -fsS -d 'after-kill' "$http/topics/smoke/three?qos=1" | grep -qF '"OK"'
for subscriber in mqtt aedes; do until_true 10 "the publish after the kill at $subscriber" has "$subscriber" after-kill; done
say 'a killed service returned and serves'

stopped=$SECONDS
docker compose stop --timeout 20 >/dev/null 2>&1
codes=$(docker compose ps --all --format '{{.Service}} {{.ExitCode}}' | grep -v ' 0$' | grep -v '^nats 1$' || true)
if [ -n "$codes" ]; then say "did not drain by themselves: $codes"; exit 1; fi
say "stopped in order in $((SECONDS - stopped)) s"
