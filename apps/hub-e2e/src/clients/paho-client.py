"""paho-mqtt as one more client that is not ours. Lines of JSON in (publish) or out (subscribe).

paho-client.py pub HOST PORT             each input line {"topic", "hex", "qos"} is published; "done" when all are acknowledged
paho-client.py sub HOST PORT FILTER QOS  prints "ready <granted>", then a line {"topic", "hex", "qos"} for each message
"""
import json
import sys

import paho.mqtt.client as mqtt


def client():
    version = getattr(mqtt, "CallbackAPIVersion", None)
    return mqtt.Client(version.VERSION1) if version else mqtt.Client()


def say(line):
    print(line, flush=True)


def publish(host, port):
    c = client()
    c.connect(host, port)
    c.loop_start()
    for line in sys.stdin:
        m = json.loads(line)
        c.publish(m["topic"], bytes.fromhex(m["hex"]), qos=m["qos"]).wait_for_publish()
    c.disconnect()
    c.loop_stop()
    say("done")


def subscribe(host, port, pattern, qos):
    c = client()
    c.on_connect = lambda c, *_: c.subscribe(pattern, qos)
    c.on_subscribe = lambda _c, _u, _mid, granted, *_: say("ready %d" % granted[0])
    c.on_message = lambda _c, _u, m: say(json.dumps({"topic": m.topic, "hex": m.payload.hex(), "qos": m.qos}))
    c.connect(host, port)
    c.loop_forever()


if sys.argv[1] == "pub":
    publish(sys.argv[2], int(sys.argv[3]))
else:
    subscribe(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
