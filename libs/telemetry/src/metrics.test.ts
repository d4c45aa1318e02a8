import { afterEach, describe, expect, it, vi } from 'vitest';
import { registerCounters } from './counters.ts';
import { startTelemetry, type Telemetry } from './start.ts';

describe('metricsText', () => {
  let telemetry: Telemetry;
  afterEach(() => telemetry.shutdown());

  function start() {
    telemetry = startTelemetry({ service: 'mqtt-ingress', version: '0.1.0', instance: 'i1', env: {} });
    return telemetry;
  }

  it('shows plain numbers as they are at the time of the reading', async () => {
    start();
    const count = { received: 1, connections: 2 };
    registerCounters(
      'trivium.mqtt',
      () => ({
        'trivium.mqtt.messages.received': count.received,
        'trivium.mqtt.connections': count.connections,
      }),
      {
        'trivium.mqtt.messages.received': 'Messages received',
        'trivium.mqtt.connections': { description: 'Connections open', unit: '{connection}', kind: 'gauge' },
      },
    );
    count.received = 41;
    count.connections = 0;
    const text = await telemetry.metricsText();
    expect(text).toContain(
      '# HELP trivium_mqtt_messages_received_total Messages received\n# TYPE trivium_mqtt_messages_received_total counter',
    );
    expect(text).toMatch(/^trivium_mqtt_messages_received_total 41$/m);
    expect(text).toMatch(/^trivium_mqtt_connections 0$/m);
    count.received = 42;
    expect(await telemetry.metricsText()).toMatch(/^trivium_mqtt_messages_received_total 42$/m);
  });

  it('spreads a reading with a label', async () => {
    start();
    registerCounters(
      'trivium.mqtt',
      () => ({ 'trivium.mqtt.refused': { 'auth.failed': 3, 'protocol.error': 1 } }),
      {
        'trivium.mqtt.refused': { description: 'Refused', label: 'code' },
      },
    );
    const text = await telemetry.metricsText();
    expect(text).toContain('trivium_mqtt_refused_total{code="auth.failed"} 3\n');
    expect(text).toContain('trivium_mqtt_refused_total{code="protocol.error"} 1\n');
  });

  it('reads no more after it was unregistered', async () => {
    start();
    let readings = 0;
    const unregister = registerCounters(
      'trivium.test',
      () => ({ 'trivium.test.readings': (readings += 1) }),
      {
        'trivium.test.readings': 'Readings',
      },
    );
    await telemetry.metricsText();
    unregister();
    await telemetry.metricsText();
    expect(readings).toBe(1);
  });

  it('names the process and measures it', async () => {
    start();
    const text = await telemetry.metricsText();
    expect(text).toContain('service_name="mqtt-ingress"');
    expect(text).toContain('service_instance_id="i1"');
    const value = (name: string) => Number(new RegExp(`^${name}(?:{[^}]*})? (.*)$`, 'm').exec(text)?.[1]);
    expect(value('process_memory_usage')).toBeGreaterThan(1e6);
    expect(value('process_memory_heap_used')).toBeGreaterThan(1e6);
    expect(value('process_uptime')).toBeGreaterThan(0);
    expect(value('nodejs_eventloop_delay')).toBeLessThan(60);
  });

  it('in OpenMetrics names counters without _total, has no blank line and ends with # EOF', async () => {
    start();
    registerCounters('trivium.test', () => ({ 'trivium.test.things': 1 }), {
      'trivium.test.things': 'Things',
    });
    const text = await telemetry.metricsText('openmetrics');
    expect(text).toContain(
      '# HELP trivium_test_things Things\n# TYPE trivium_test_things counter\ntrivium_test_things_total 1\n',
    );
    expect(text).not.toContain('\n\n');
    expect(text).not.toContain('# UNIT');
    expect(text.endsWith('\n# EOF\n')).toBe(true);
  });

  it('is empty, not an error, when OpenTelemetry is disabled', async () => {
    vi.stubEnv('OTEL_SDK_DISABLED', 'true');
    telemetry = startTelemetry({ service: 's', version: '1', instance: 'i', env: process.env });
    vi.unstubAllEnvs();
    expect(await telemetry.metricsText('openmetrics')).toBe('# EOF\n');
    expect((await telemetry.metricsText()).trim()).toBe('');
  });
});
