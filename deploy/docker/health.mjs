// The health check of a container: exit code 0 while the service's admin server answers /livez.
const port = process.env.TRIVIUM_ADMIN_PORT;
const response = await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(2_000) }).catch(
  () => undefined,
);
process.exit(response?.ok ? 0 : 1);
