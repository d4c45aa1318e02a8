"""paho-mqtt with MQTT 5, moved by lines of JSON, telling what happens in lines of JSON.

paho-mqtt5.py HOST PORT ID
  in   {"do": "connect", "clean", "properties", "will": {"topic", "payload", "qos", "retain", "properties"}}
       {"do": "subscribe", "filter", "qos", "noLocal", "retainAsPublished", "retainHandling", "properties"}
       {"do": "unsubscribe", "filter"}, {"do": "publish", "topic", "payload", "qos", "retain", "properties"}
       {"do": "disconnect", "reason", "properties"}, {"do": "drop"}: the end without DISCONNECT
  out  {"on": "connected" | "subscribed" | "unsubscribed" | "published" | "message" | "disconnected", ...}
Properties have paho's names; CorrelationData is hexadecimal.
"""
import json
import os
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCodes
from paho.mqtt.subscribeoptions import SubscribeOptions


def properties(packet, values):
    made = Properties(packet)
    for name, value in (values or {}).items():
        if name == "CorrelationData":
            value = bytes.fromhex(value)
        if name == "UserProperty":
            value = [tuple(pair) for pair in value]
        setattr(made, name, value)
    return made


def say(on, values=None, **more):
    told = values.json() if values is not None else {}
    print(json.dumps({"on": on, "properties": told, **more}), flush=True)


def reasons(codes):
    return [code.value for code in (codes if isinstance(codes, list) else [codes])]


def main(host, port, identity):
    version = getattr(mqtt, "CallbackAPIVersion", None)
    first = (version.VERSION1,) if version else ()
    c = mqtt.Client(*first, client_id=identity, protocol=mqtt.MQTTv5)
    c.on_connect = lambda _c, _u, flags, code, p: say("connected", p, reason=code.value, present=bool(flags["session present"]))
    c.on_subscribe = lambda _c, _u, _mid, codes, p: say("subscribed", p, codes=reasons(codes))
    c.on_unsubscribe = lambda _c, _u, _mid, p, codes: say("unsubscribed", p, codes=reasons(codes))
    c.on_publish = lambda _c, _u, _mid: say("published")
    c.on_message = lambda _c, _u, m: say(
        "message", m.properties, topic=m.topic, payload=m.payload.decode(), qos=m.qos, retain=bool(m.retain)
    )
    # paho gives a number where it was not the server that ended the connection.
    c.on_disconnect = lambda _c, _u, code, p=None: say("disconnected", p, reason=getattr(code, "value", code))
    for line in sys.stdin:
        m = json.loads(line)
        do = m["do"]
        if do == "connect":
            if "will" in m:
                w = m["will"]
                made = properties(PacketTypes.WILLMESSAGE, w.get("properties"))
                c.will_set(w["topic"], w["payload"], w.get("qos", 0), w.get("retain", False), made)
            made = properties(PacketTypes.CONNECT, m.get("properties"))
            c.connect(host, port, clean_start=m.get("clean", True), properties=made)
            c.loop_start()
        elif do == "subscribe":
            options = SubscribeOptions(
                m.get("qos", 0), m.get("noLocal", False), m.get("retainAsPublished", False), m.get("retainHandling", 0)
            )
            c.subscribe(m["filter"], options=options, properties=properties(PacketTypes.SUBSCRIBE, m.get("properties")))
        elif do == "unsubscribe":
            c.unsubscribe(m["filter"])
        elif do == "publish":
            made = properties(PacketTypes.PUBLISH, m.get("properties"))
            c.publish(m["topic"], m.get("payload", ""), m.get("qos", 0), m.get("retain", False), made)
        elif do == "disconnect":
            code = ReasonCodes(PacketTypes.DISCONNECT, identifier=m.get("reason", 0))
            c.disconnect(code, properties(PacketTypes.DISCONNECT, m.get("properties")))
            c.loop_stop()
        elif do == "drop":
            os._exit(0)


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
