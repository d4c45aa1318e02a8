export { pairOf } from './certificate-pair.ts';
export { doorTlsSettings, tlsSection } from './config.ts';
export type { DoorTlsConfig, TlsConfig } from './config.ts';
export { tlsFaults } from './tls-faults.ts';
export type { TlsSettings } from './tls-faults.ts';
export { openDoorTls } from './door-tls.ts';
export type { DoorTls, DoorTlsOptions } from './door-tls.ts';
