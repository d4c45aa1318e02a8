"""paho-mqtt as one more client that is not ours. Lines of JSON in (publish) or out (subscribe).

paho-client.py pub HOST PORT                  each input line {"topic", "hex", "qos", "retain"} is published; "done" when all are acknowledged
paho-client.py sub HOST PORT FILTER QOS [ID]  prints "ready <granted> <session present>", then a line {"topic", "hex", "qos", "retain"} for
                                              each message; disconnects at the end of input. With ID: clean session 0, and it subscribes
                                              only when the hub has no session for it.

PAHO_LOGIN may say, as JSON, who it is and by what: "username" and "password", "cafile" (then by TLS), "cert" and "key". Refused, it
ends with 1 and prints "refused: <code>".
"""
import json
import os
import sys
import threading

import paho.mqtt.client as mqtt


def client(**options):
    version = getattr(mqtt, "CallbackAPIVersion", None)
    c = mqtt.Client(version.VERSION1, **options) if version else mqtt.Client(**options)
    login = json.loads(os.environ.get("PAHO_LOGIN", "{}"))
    if "username" in login:
        c.username_pw_set(login["username"], login["password"])
    if "cafile" in login:
        c.tls_set(login["cafile"], login.get("cert"), login.get("key"))
    return c


def refused(code):
    say("refused: %d" % code)
    os._exit(1)


def say(line):
    print(line, flush=True)


def publish(host, port):
    c = client()
    # Cut off before the first CONNACK, it would try for ever.
    c.on_disconnect = lambda _c, _u, code: code and refused(code)

    def connected(c, _userdata, _flags, code):
        c.on_disconnect = None
        if code != 0:
            refused(code)

    c.on_connect = connected
    c.connect(host, port)
    c.loop_start()
    for line in sys.stdin:
        m = json.loads(line)
        c.publish(m["topic"], bytes.fromhex(m["hex"]), qos=m["qos"], retain=m["retain"]).wait_for_publish()
    c.disconnect()
    c.loop_stop()
    say("done")


def subscribe(host, port, pattern, qos, identity):
    c = client() if identity is None else client(client_id=identity, clean_session=False)
    present = 0

    def connected(c, _userdata, flags, code):
        nonlocal present
        if code != 0:
            refused(code)
        present = int(flags["session present"])
        if present:
            say("ready %d %d" % (qos, present))
        else:
            c.subscribe(pattern, qos)

    def arrived(_c, _userdata, m):
        say(json.dumps({"topic": m.topic, "hex": m.payload.hex(), "qos": m.qos, "retain": bool(m.retain)}))

    def leave():
        sys.stdin.read()
        c.disconnect()

    c.on_connect = connected
    c.on_subscribe = lambda _c, _u, _mid, granted, *_: say("ready %d %d" % (granted[0], present))
    c.on_message = arrived
    c.connect(host, port)
    threading.Thread(target=leave, daemon=True).start()
    c.loop_forever()


if sys.argv[1] == "pub":
    publish(sys.argv[2], int(sys.argv[3]))
else:
    subscribe(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), sys.argv[6] if len(sys.argv) > 6 else None)
